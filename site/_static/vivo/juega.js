// La página «Juega con gpt1-mini»: lo que se ve y se toca. Las cuentas están en model.js y tokenizer.js.

import { GPT1, candidates, draw, NOTHING_OFF, randomizer, readWeights, softmax } from "./model.js";
import { Tokenizer } from "./tokenizer.js";

const START = "She opened the door and saw the old man, who was sitting by the fire and telling the children a story about";
const ADDED = 40; // tokens que escribe de una vez
const BREATH = 30; // milisegundos seguidos que puede estar echando cuentas sin atender a nadie
const LETTERS = 5_000; // de un texto más largo solo se lee el final: en menos caben los tokens de la página, y de los más largos
const root = document.getElementById("juega");
const number = (value, decimals = 0) => value.toFixed(decimals).replace(".", ",");
const percent = (value) => (value < 0.0005 ? "< 0,1 %" : `${number(100 * value, value < 0.1 ? 1 : 0)} %`);

// --- descargar, contándolo ------------------------------------------------------------------------------------

async function download(told) {
  const base = root.dataset.model;
  const get = async (name) => {
    const answer = await fetch(base + name);
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    return answer;
  };
  const json = async (name) => (await get(name)).json();
  const [config, vocab, words, merges] = await Promise.all([
    json("config.json"), json("vocab.json"), json("words.json"), get("merges.txt").then((answer) => answer.text()),
  ]);
  const answer = await get("model.safetensors");
  const total = Number(answer.headers.get("Content-Length"));
  const pieces = [];
  let size = 0;
  const reader = answer.body.getReader();
  for (let piece; !(piece = await reader.read()).done; ) {
    pieces.push(piece.value);
    size += piece.value.length;
    told(size, total);
  }
  const weights = readWeights(await new Blob(pieces).arrayBuffer());
  return { model: new GPT1(config, weights), tokenizer: new Tokenizer(vocab, merges, words) };
}

// --- la página ------------------------------------------------------------------------------------------------

const PAGE = `
  <label for="j-texto">Tu texto, en inglés</label>
  <textarea id="j-texto" rows="3" spellcheck="false"></textarea>
  <p id="j-cuenta" class="cuenta" aria-live="polite"></p>

  <h2>Cómo lo lee</h2>
  <p class="mira">Mira cómo parte las palabras raras y qué letras pierde. Pulsa un token (con el teclado, flechas e Intro) para ver qué espera después de él.</p>
  <div id="j-tokens" class="tokens" role="group" aria-label="Tokens del texto"></div>
  <div id="j-espera"></div>

  <h2>Que siga él</h2>
  <p class="mira">Mira cómo repite con temperatura 0,2 y desvaría con 2 y top-k 0. Con la misma semilla, escribe lo mismo.</p>
  <div class="mandos">
    <label>temperatura <input id="j-t" type="range" min="0.1" max="2" step="0.1" value="0.8"><output></output></label>
    <label>top-k (0: todos) <input id="j-k" type="range" min="0" max="100" step="1" value="40"><output></output></label>
    <label>top-p <input id="j-p" type="range" min="0.05" max="1" step="0.05" value="1"><output></output></label>
    <label>semilla <input id="j-s" type="number" min="0" max="9999" step="1" value="1" aria-describedby="j-aviso"></label>
  </div>
  <p id="j-aviso" class="cuenta" role="status"></p>
  <p class="botones">
    <button id="j-sigue">Sigue ${ADDED} tokens</button>
    <button id="j-uno">Uno más</button>
    <button id="j-otra">Otra semilla</button>
    <button id="j-queda">Quédatelo en tu texto</button>
  </p>
  <p id="j-salida" class="salida" aria-live="polite"></p>

  <h2>A qué mira</h2>
  <p class="mira">El color y el número dicen cuánto atiende el token elegido a cada uno. Pulsa otro para elegirlo. Alguna cabeza mira mucho al primero; busca la que mira sobre todo al de antes.</p>
  <div class="mandos">
    <label>bloque <select id="j-bloque"></select></label>
    <label>cabeza <select id="j-cabeza"></select></label>
  </div>
  <div id="j-atencion" class="tokens" role="group" aria-label="Atención del token elegido"></div>

  <h2>Qué diría en cada piso</h2>
  <p class="mira">Es la lente de logits: leer el vector de cada bloque como si fuera el último. Mira en qué piso aparece lo que dirá al final.</p>
  <div id="j-lente"></div>

  <h2>Apaga una pieza</h2>
  <p class="mira">Marca una cabeza o un bloque y compara. Con un texto largo, una cabeza sola hace mucho daño y las demás, poco. ¿La encuentras?</p>
  <div id="j-piezas" class="piezas"></div>
  <div id="j-roto"></div>
`;

function table(caption, heads, rows) {
  const out = document.createElement("table");
  out.createCaption().textContent = caption;
  const line = out.createTHead().insertRow();
  for (const head of heads) line.append(Object.assign(document.createElement("th"), { textContent: head, scope: "col" }));
  const body = out.createTBody();
  for (const row of rows) {
    const cells = body.insertRow();
    for (const cell of row) cells.insertCell().append(cell);
  }
  return out;
}

function bar(share) {
  const out = document.createElement("span");
  out.className = "barra";
  out.style.width = `${100 * share}%`;
  return out;
}

// Las flechas, Inicio y Fin van de un token a otro de su grupo
function walk(event) {
  const chips = [...event.currentTarget.children];
  const here = chips.indexOf(document.activeElement);
  const next = chips[{ ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: chips.length - 1 }[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

// La semilla que hay escrita o, si no vale, la última que valió y por qué: en ese campo se puede dejar cualquier cosa
function readSeed(input, last) {
  const { value, validity } = input;
  if (value !== "" && validity.valid) return { seed: Number(value), wrong: "" };
  const why = value ? `La semilla no puede ser ${value.replace(".", ",")}` : validity.badInput ? "La semilla no es un número" : "Falta la semilla";
  return { seed: last, wrong: `${why}: hace falta un entero de 0 a ${input.max}. Sigo con la ${last}.` };
}

// Lo que va dando un generador, dejando respirar a la página; null si entretanto se ha pedido otra cosa
async function unhurried(generator, wanted) {
  const found = [];
  let start = performance.now();
  for (const one of generator) {
    found.push(one);
    if (performance.now() - start < BREATH) continue;
    await new Promise((ready) => setTimeout(ready));
    if (!wanted()) return null;
    start = performance.now();
  }
  return found;
}

const key = (off) => [...off.blocks, ...off.heads].sort().join();

function perplexity(nats) {
  return nats.length ? Math.exp(nats.reduce((sum, one) => sum + one, 0) / nats.length) : null;
}

class Game {
  constructor({ model, tokenizer }) {
    Object.assign(this, { model, tokenizer, chosen: null, seed: 1, written: [], turn: {}, readings: new Map(), off: { blocks: new Set(), heads: new Set() } });
    root.innerHTML = PAGE;
    this.at("texto").value = START;
    this.at("texto").addEventListener("input", () => this.read());
    for (const name of ["tokens", "atencion"]) this.at(name).addEventListener("keydown", walk);
    for (const name of ["t", "k", "p", "s"]) this.at(name).addEventListener("input", () => this.write(ADDED));
    this.at("sigue").onclick = () => this.write(ADDED);
    this.at("uno").onclick = () => this.write(this.written.length + 1);
    this.at("otra").onclick = () => {
      this.at("s").value = (this.settings().seed + 1) % (Number(this.at("s").max) + 1);
      this.write(ADDED);
    };
    this.at("queda").onclick = () => {
      this.at("texto").value = this.at("texto").value.trimEnd() + this.continued().added;
      this.read();
    };
    const { n_layer, n_head } = model.config;
    for (const [name, size] of [["bloque", n_layer], ["cabeza", n_head]]) {
      const select = this.at(name);
      for (let i = 0; i < size; i++) select.append(new Option(i + 1, i));
      select.addEventListener("input", () => this.look());
    }
    this.switches(n_layer, n_head);
    this.read();
  }

  at(name) {
    return document.getElementById(`j-${name}`);
  }

  settings() {
    for (const name of ["t", "k", "p"]) {
      const input = this.at(name);
      const told = name === "k" ? input.value : number(Number(input.value), name === "p" ? 2 : 1);
      input.nextElementSibling.textContent = told;
      input.setAttribute("aria-valuetext", told);
    }
    const { seed, wrong } = readSeed(this.at("s"), this.seed);
    this.seed = seed;
    this.at("s").setAttribute("aria-invalid", wrong !== "");
    this.at("aviso").textContent = wrong;
    return { temperature: Number(this.at("t").value), k: Number(this.at("k").value), p: Number(this.at("p").value), seed };
  }

  // Parte el texto en tokens; lo que se escriba después parte de aquí
  read() {
    const text = this.at("texto").value;
    const all = this.tokenizer.encode(text.trimEnd().slice(-LETTERS));
    const places = this.model.config.n_positions;
    this.ids = all.slice(ADDED - places);
    const count = `${this.ids.length} token${this.ids.length === 1 ? "" : "s"}`;
    let more = "";
    if (!text) more = ": escribe algo";
    else if (!all.length) more = ": solo hay espacios, y de ellos no lee nada. Escribe algo";
    else if (all.length > this.ids.length) more = `: los últimos que le caben. Tiene ${places} posiciones y deja ${ADDED} para seguir`;
    this.at("cuenta").textContent = `${count}${more}.`;
    this.trace = null; // hasta que lo lea
    this.chosen = this.ids.length - 1;
    this.look();
    this.write(ADDED);
  }

  chips(box, shade = () => 0) {
    const most = Math.max(...this.ids.map((_, place) => shade(place)), 1e-9); // el color compara; el número dice cuánto
    const chips = this.ids.map((id, place) => {
      const chip = document.createElement("button");
      chip.textContent = this.tokenizer.shown(id);
      chip.classList.toggle("sigue", !this.tokenizer.endsWord(id));
      chip.setAttribute("aria-pressed", place === this.chosen);
      chip.tabIndex = place === this.chosen ? 0 : -1; // el tabulador para una vez; de uno a otro van las flechas
      chip.style.setProperty("--parte", `${Math.round((85 * shade(place)) / most)}%`);
      if (shade(place)) chip.append(Object.assign(document.createElement("small"), { textContent: percent(shade(place)) }));
      chip.onclick = () => {
        chip.focus();
        this.chosen = place;
        this.look();
      };
      return chip;
    });
    const focused = [...box.children].indexOf(document.activeElement);
    box.replaceChildren(...chips);
    chips[focused]?.focus({ preventScroll: true });
  }

  // Lo de otro texto o de otras piezas, en gris hasta que llegue lo nuevo
  stale(names, stale) {
    for (const name of names) this.at(name).setAttribute("aria-busy", stale);
  }

  // Todo lo que se ve del token elegido: qué espera, a qué mira y qué diría en cada piso
  look() {
    this.chips(this.at("tokens"));
    this.stale(["espera", "lente"], !this.trace);
    if (this.trace) for (const name of ["espera", "lente"]) this.at(name).replaceChildren();
    if (!this.trace?.length) return this.chips(this.at("atencion"));
    const { states, attention } = this.trace[this.chosen];
    const here = `«${this.tokenizer.shown(this.ids[this.chosen])}»`;
    const probs = softmax(this.model.logits(states.at(-1)));
    const order = Array.from(probs.keys()).sort((a, b) => probs[b] - probs[a]);
    const top = order.slice(0, 10);
    const rows = top.map((id) => [this.tokenizer.shown(id), percent(probs[id]), bar(probs[id] / probs[top[0]])]);
    const next = this.ids[this.chosen + 1];
    const came = next === undefined ? "" : ` Venía «${this.tokenizer.shown(next)}»: puesto ${order.indexOf(next) + 1}, ${percent(probs[next])}.`;
    this.at("espera").append(table(`Tras ${here} espera…${came}`, ["token", "probabilidad", ""], rows));

    const weights = attention[Number(this.at("bloque").value)][Number(this.at("cabeza").value)];
    this.chips(this.at("atencion"), (place) => weights[place] ?? 0);

    const floors = states.map((state, floor) => {
      const options = candidates(this.model.logits(state)).slice(0, 3);
      return [floor ? `bloque ${floor}` : "entrada", options.map(([id, p]) => `${this.tokenizer.shown(id)}\u00a0${percent(p)}`).join(" · ")];
    });
    this.at("lente").append(table(`Tras ${here}, de abajo arriba`, ["piso", "lo que más diría"], floors));
  }

  // Lee el texto con lo apagado, token a token, desde donde cambia respecto a la última vez
  *reading(off) {
    const name = key(off);
    const kept = this.readings.get(name) ?? { memory: this.model.start(), ids: [], trace: [] };
    if (name) this.readings = new Map([["", this.readings.get("")]]); // queda la del modelo entero y esta
    this.readings.set(name, kept);
    let same = 0;
    while (same < kept.ids.length && kept.ids[same] === this.ids[same]) same++;
    kept.memory.length = kept.ids.length = kept.trace.length = same; // lo que se escribió detrás se olvida
    for (const id of this.ids.slice(same)) {
      kept.trace.push(this.model.step(kept.memory, id, off));
      kept.ids.push(id);
      yield kept;
    }
  }

  whole(off = NOTHING_OFF) {
    for (const _ of this.reading(off));
    return this.readings.get(key(off));
  }

  *continuation(settings, length, off = NOTHING_OFF) {
    const random = randomizer(settings.seed);
    const { memory, trace } = this.whole(off);
    let last = trace.at(-1);
    for (let i = 0; i < length; i++) {
      const id = draw(candidates(this.model.logits(last.states.at(-1)), settings), random);
      yield id;
      if (memory.length === this.model.config.n_positions) return;
      last = this.model.step(memory, id, off);
    }
  }

  // Lo que hay y lo que ha escrito detrás, con los espacios que van entre los dos
  continued() {
    const start = this.tokenizer.text(this.ids);
    return { start, added: this.tokenizer.text(this.ids.concat(this.written)).slice(start.length) };
  }

  // Lee y escribe en directo, dejando respirar a la página; lo que hubiera a medias se abandona
  async write(length) {
    const turn = (this.turn = { writes: true });
    const wanted = () => this.turn === turn;
    const settings = this.settings();
    const strong = document.createElement("strong");
    this.written = [];
    this.stale(["roto", "salida"], true); // con `aria-live`, un lector de pantalla no lee cada token: espera al final
    this.at("salida").replaceChildren(this.continued().start, strong);
    if (!(await unhurried(this.reading(NOTHING_OFF), wanted))) return;
    if (!this.trace) {
      this.trace = this.readings.get("").trace;
      this.look();
    }
    if (!this.ids.length) {
      this.stale(["salida"], false);
      this.at("salida").textContent = "Aquí escribirá, cuando tu texto tenga algo que seguir.";
      return this.compare(settings);
    }
    for (const id of this.continuation(settings, length)) {
      this.written.push(id);
      strong.textContent = this.continued().added;
      await new Promise((ready) => setTimeout(ready));
      if (!wanted()) return;
    }
    this.stale(["salida"], false);
    if (this.written.length < length) this.at("aviso").textContent = `Hasta aquí: ha llenado sus ${this.model.config.n_positions} posiciones.`;
    this.compare(settings);
  }

  switches(blocks, heads) {
    const box = this.at("piezas");
    const add = (line, set, key, label) => {
      const input = Object.assign(document.createElement("input"), { type: "checkbox" });
      const name = document.createElement("label");
      name.append(input, ` ${label}`);
      input.oninput = () => {
        input.checked ? set.add(key) : set.delete(key);
        if (!this.turn.writes) this.compare(this.settings()); // si escribe, comparará al acabar
      };
      line.append(name);
    };
    for (let block = 0; block < blocks; block++) {
      const line = document.createElement("fieldset");
      line.append(Object.assign(document.createElement("legend"), { textContent: `Bloque ${block + 1}` }));
      add(line, this.off.blocks, block, "todo el bloque");
      for (let head = 0; head < heads; head++) add(line, this.off.heads, `${block}.${head}`, `cabeza ${head + 1}`);
      box.append(line);
    }
  }

  // Con las piezas apagadas: lo que escribe y cuánto le sorprende tu texto
  async compare(settings) {
    const turn = (this.turn = {});
    const wanted = () => this.turn === turn;
    const off = { blocks: new Set(this.off.blocks), heads: new Set(this.off.heads) };
    this.stale(["roto"], this.ids.length > 0);
    if (!this.ids.length) return this.at("roto").replaceChildren();
    const rows = [["sin tocar", NOTHING_OFF]];
    if (off.blocks.size || off.heads.size) rows.push(["con lo apagado", off]);
    const told = [];
    for (const [name, which] of rows) {
      if (!(await unhurried(this.reading(which), wanted))) return;
      const surprises = await unhurried(this.surprises(which), wanted);
      const known = which === NOTHING_OFF && this.written.length === ADDED; // lo que acaba de escribir
      const text = surprises && (known ? this.written : await unhurried(this.continuation(settings, ADDED, which), wanted));
      if (!text) return;
      const value = perplexity(surprises);
      told.push([name, value ? number(value, value < 100 ? 1 : 0) : "—", this.tokenizer.text(text)]);
    }
    this.at("roto").replaceChildren(table("Perplejidad de tu texto y cómo lo seguiría", ["modelo", "perplejidad", "escribe"], told));
    this.stale(["roto"], false);
  }

  // Los nats de cada token que alguien predice
  *surprises(off = NOTHING_OFF) {
    const { trace } = this.whole(off);
    for (let i = 1; i < trace.length; i++) yield -Math.log(softmax(this.model.logits(trace[i - 1].states.at(-1)))[this.ids[i]]);
  }

  perplexity(off) {
    return perplexity([...this.surprises(off)]);
  }
}

const notice = root.querySelector(".aviso");
try {
  const parts = await download((size, total) => {
    const share = total ? `${Math.round((100 * size) / total)} %` : `${number(size / 1e6, 1)} MB`;
    notice.textContent = `Descargo gpt1-mini: ${share}`;
  });
  window.juego = new Game(parts); // las pruebas lo usan
} catch (error) {
  notice.textContent =
    "No he podido cargar gpt1-mini: o no llegan sus archivos, o a tu navegador le falta algo (hace falta uno de 2023 o posterior)." +
    " Recarga la página, o lee las lecciones: no lo necesitan.";
  throw error;
}
