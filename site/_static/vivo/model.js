// El GPT-1 de la lección 08 en JavaScript: los mismos pesos (fp16) y las mismas cuentas, un token cada vez y con caché.
//
// Son 5,3 millones de parámetros: con matrices planas de float32 y sin dependencias sobra velocidad, y se lee de arriba
// abajo. La verdad es Python: tests/test_site.py compara logits y textos en un navegador.

// --- los pesos: un archivo safetensors es una cabecera JSON y los números, uno detrás de otro -------------------

const HALF = (() => {
  const table = new Float32Array(65536); // cada uno de los fp16 posibles
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits >> 15 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
})();

export function readWeights(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const weights = {};
  delete header.__metadata__;
  for (const [name, { dtype, data_offsets: [start, end] }] of Object.entries(header)) {
    if (dtype !== "F16") throw new Error(`${name} es ${dtype} y se esperaba F16`);
    const halves = new Uint16Array(buffer.slice(8 + size + start, 8 + size + end));
    weights[name.replace("transformer.", "")] = Float32Array.from(halves, (bits) => HALF[bits]);
  }
  return weights;
}

// --- las piezas ------------------------------------------------------------------------------------------------

// x W + b, con W [entrada, salida], como la guarda el código original
function linear(x, weight, bias) {
  const out = Float32Array.from(bias);
  const width = out.length;
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    const row = i * width;
    for (let j = 0; j < width; j++) out[j] += value * weight[row + j];
  }
  return out;
}

function layerNorm(x, weight, bias, epsilon) {
  let mean = 0;
  for (const value of x) mean += value;
  mean /= x.length;
  let variance = 0;
  for (const value of x) variance += (value - mean) ** 2;
  const scale = 1 / Math.sqrt(variance / x.length + epsilon);
  return x.map((value, i) => (value - mean) * scale * weight[i] + bias[i]);
}

const gelu = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

export function softmax(values) {
  let top = -Infinity;
  for (const value of values) if (value > top) top = value;
  const out = Float64Array.from(values, (value) => Math.exp(value - top));
  let total = 0;
  for (const value of out) total += value;
  return out.map((value) => value / total);
}

// --- el modelo -------------------------------------------------------------------------------------------------

export class GPT1 {
  constructor(config, weights) {
    Object.assign(this, { config, weights });
  }

  // La memoria de lo ya leído: por bloque, las claves y los valores de cada posición
  start() {
    const { n_layer, n_positions, n_embd } = this.config;
    const table = () => new Float32Array(n_positions * n_embd);
    return { length: 0, blocks: Array.from({ length: n_layer }, () => ({ keys: table(), values: table() })) };
  }

  // Lee un token más. `off` dice qué está apagado: { blocks: Set(bloque), heads: Set("bloque.cabeza") }.
  // Devuelve el estado a la entrada y a la salida de cada bloque y, por bloque y cabeza, a qué posiciones ha mirado.
  step(memory, id, off = NOTHING_OFF) {
    const { n_layer, n_embd, n_positions } = this.config;
    const place = memory.length;
    if (place >= n_positions) throw new Error(`solo hay ${n_positions} posiciones`);
    const { "tokens_embed.weight": tokens, "positions_embed.weight": positions } = this.weights;
    let x = new Float32Array(n_embd);
    for (let i = 0; i < n_embd; i++) x[i] = tokens[id * n_embd + i] + positions[place * n_embd + i];
    const states = [x];
    const attention = [];
    for (let block = 0; block < n_layer; block++) {
      const result = this.block(memory.blocks[block], block, x, place, off);
      x = off.blocks.has(block) ? x : result.x; // un bloque apagado deja pasar lo que entra
      states.push(x);
      attention.push(result.attention);
    }
    memory.length++;
    return { states, attention };
  }

  block(cache, number, x, place, off) {
    const { n_embd, n_head, layer_norm_epsilon: epsilon } = this.config;
    const part = (name) => this.weights[`h.${number}.${name}`];
    const qkv = linear(x, part("attn.c_attn.weight"), part("attn.c_attn.bias"));
    cache.keys.set(qkv.subarray(n_embd, 2 * n_embd), place * n_embd);
    cache.values.set(qkv.subarray(2 * n_embd), place * n_embd);
    const size = n_embd / n_head;
    const mixed = new Float32Array(n_embd);
    const attention = [];
    for (let head = 0; head < n_head; head++) {
      const first = head * size;
      const scores = new Float32Array(place + 1);
      for (let key = 0; key <= place; key++) {
        let dot = 0;
        for (let i = first; i < first + size; i++) dot += qkv[i] * cache.keys[key * n_embd + i];
        scores[key] = dot / Math.sqrt(size);
      }
      const weights = softmax(scores);
      attention.push(weights);
      if (off.heads.has(`${number}.${head}`)) continue; // una cabeza apagada no aporta nada
      for (let key = 0; key <= place; key++) {
        for (let i = first; i < first + size; i++) mixed[i] += weights[key] * cache.values[key * n_embd + i];
      }
    }
    const attended = linear(mixed, part("attn.c_proj.weight"), part("attn.c_proj.bias"));
    const n = layerNorm(x.map((v, i) => v + attended[i]), part("ln_1.weight"), part("ln_1.bias"), epsilon);
    const inside = linear(n, part("mlp.c_fc.weight"), part("mlp.c_fc.bias")).map(gelu);
    const mlp = linear(inside, part("mlp.c_proj.weight"), part("mlp.c_proj.bias"));
    return { attention, x: layerNorm(n.map((v, i) => v + mlp[i]), part("ln_2.weight"), part("ln_2.bias"), epsilon) };
  }

  // x Eᵀ: los logits que salen de un estado (el último o, como en la lente de la lección 08, uno de en medio)
  logits(x) {
    const table = this.weights["tokens_embed.weight"];
    const { n_embd, vocab_size } = this.config;
    const out = new Float32Array(vocab_size);
    for (let id = 0, at = 0; id < vocab_size; id++, at += n_embd) {
      let dot = 0;
      for (let i = 0; i < n_embd; i++) dot += x[i] * table[at + i];
      out[id] = dot;
    }
    return out;
  }

  // Lee unos ids seguidos; devuelve lo de cada posición
  read(memory, ids, off = NOTHING_OFF) {
    return ids.map((id) => this.step(memory, id, off));
  }
}

export const NOTHING_OFF = { blocks: new Set(), heads: new Set() };

// --- elegir el siguiente (lección 05) --------------------------------------------------------------------------

// Temperatura, top-k y top-p, por este orden: [[id, probabilidad], …] de más a menos probable
export function candidates(logits, { temperature = 1, k = 0, p = 1 } = {}) {
  let ids = Array.from(logits.keys());
  if (k > 0 && k < ids.length) {
    // ordenar números es mucho más rápido que ordenar ids: solo se ordenan los que pasan
    const least = Float32Array.from(logits).sort()[ids.length - k];
    ids = ids.filter((id) => logits[id] >= least); // los empatados con el último se quedan, como en Python
  }
  ids.sort((a, b) => logits[b] - logits[a]);
  let probs = softmax(ids.map((id) => logits[id] / temperature));
  if (p < 1) {
    let before = 0;
    let kept = 0;
    while (kept < ids.length && (kept === 0 || before < p)) before += probs[kept++];
    ids = ids.slice(0, kept);
    probs = softmax(ids.map((id) => logits[id] / temperature));
  }
  return ids.map((id, i) => [id, probs[i]]);
}

// Números al azar que se repiten con la misma semilla (mulberry32)
export function randomizer(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function draw(options, random) {
  let left = random();
  for (const [id, probability] of options) {
    left -= probability;
    if (left < 0) return id;
  }
  return options[0][0];
}
