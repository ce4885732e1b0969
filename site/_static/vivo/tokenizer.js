// El tokenizador de GPT-1 en JavaScript: los pasos de helpers/tokenizer.py y helpers/words.py, con sus mismas reglas.
//
// Las reglas de spaCy llegan en words.json, que escribe tools/make_site.py a partir de spaCy. De ftfy está lo que hace
// falta al escribir en una página (comillas, ligaduras, tildes sueltas); los textos mal codificados no los repara.

const DASHES = { "—": "-", "–": "-", "―": "-", "…": "...", "´": "'" };
const LIGATURES = { "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st", "Ĳ": "IJ", "ĳ": "ij" };

export function clean(text) {
  return text
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, "\n")
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[ﬀ-ﬆĲĳ]/g, (letter) => LIGATURES[letter])
    .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f\ufeff]/g, "")
    .normalize("NFC");
}

export function standardize(text) {
  return text
    .replace(/[—–―…´]/g, (sign) => DASHES[sign])
    .replace(/([-~!";?+,)(/*[\]}{|_])\1*/g, " $& ")
    .replace(/\s+/g, (blanks) => (blanks.includes("\n") ? " \n " : " "))
    .trim();
}

// Una línea de tokens unidos por espacios, con los espacios de un texto corriente
function readable(line) {
  return line
    .replace(/^ +| +$/g, "")
    .replace(/ ([,.;:!?)\]}%]|\.\.\.)/g, "$1")
    .replace(/([(\[{$]) /g, "$1")
    .replace(/ ('(?:s|m|d|re|ve|ll)|n't)(?!\w)/g, "$1")
    .replace(/\b(can) (not)\b|\b(gon|wan) (na)\b|\b(got) (ta)\b/g, (word) => word.replace(" ", ""))
    .replace(/" ?([^"]*?) ?(?="|$)("?)/g, '"$1$2');
}

export class Tokenizer {
  constructor(vocab, merges, words) {
    this.vocab = vocab;
    this.tokens = Object.keys(vocab).sort((a, b) => vocab[a] - vocab[b]);
    this.ranks = new Map(merges.split("\n").slice(1).filter(Boolean).map((pair, rank) => [pair, rank]));
    this.rules = new Map(Object.entries(words.rules));
    this.specials = new Map(Object.entries(words.specials)); // [[tokens, casos partidos], …] por primer token
    this.prefix = new RegExp(words.prefix, "uy");
    this.suffix = new RegExp(words.suffix, "u");
    this.infix = new RegExp(words.infix, "gu");
    this.url = new RegExp(words.url, "u");
    this.known = new Map();
  }

  encode(text) {
    return this.words(text).flatMap((word) => this.wordIds(word.toLowerCase()));
  }

  words(text) {
    const words = [];
    standardize(clean(text)).split("\n").forEach((line, number) => {
      if (number) words.push("\n ");
      words.push(...this.line(line.replace(/^ +| +$/g, "")));
    });
    return words;
  }

  line(line) {
    const tokens = [];
    const spaces = []; // detrás de ese token hay un espacio
    for (const chunk of line ? line.split(" ") : []) {
      tokens.push(...this.pieces(chunk));
      while (spaces.length < tokens.length) spaces.push(false);
      if (spaces.length) spaces[spaces.length - 1] = true;
    }
    return this.withSpecialCases(tokens, spaces);
  }

  // Los tokens de un trozo sin espacios: prefijos, lo de en medio y sufijos (spaCy: `_tokenize`)
  pieces(chunk) {
    const before = [];
    const after = [];
    let size = -1;
    while (chunk && chunk.length !== size && !this.rules.has(chunk)) {
      size = chunk.length;
      this.prefix.lastIndex = 0;
      let first = this.prefix.exec(chunk)?.[0].length ?? 0;
      let last = chunk.length;
      if (!(first && this.rules.has(chunk.slice(first)))) {
        const found = this.suffix.exec(chunk.slice(first));
        if (found) last = first + found.index;
        if (last < chunk.length && this.rules.has(chunk.slice(0, last))) first = 0;
      }
      if (first) before.push(chunk.slice(0, first));
      if (last < chunk.length) after.push(chunk.slice(last));
      chunk = chunk.slice(first, last);
    }
    if (this.rules.has(chunk)) before.push(...this.rules.get(chunk));
    else if (chunk && this.url.test(chunk)) before.push(chunk);
    else if (chunk) before.push(...this.inside(chunk));
    return before.concat(after.reverse());
  }

  inside(text) {
    const out = [];
    let start = 0;
    for (const found of text.matchAll(this.infix)) {
      if (!found.index) continue;
      if (found.index > start) out.push(text.slice(start, found.index));
      if (found[0]) out.push(found[0]);
      start = found.index + found[0].length;
    }
    if (start < text.length) out.push(text.slice(start));
    return out;
  }

  // Los casos especiales que han quedado partidos; si se pisan, gana el más largo y, si no, el primero
  withSpecialCases(tokens, spaces) {
    const found = [];
    tokens.forEach((token, place) => {
      for (const words of this.specials.get(token) ?? []) {
        if (words.every((word, i) => tokens[place + i] === word)) found.push([words.length, place]);
      }
    });
    if (!found.length) return tokens;
    found.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
    const seen = new Set();
    const chosen = new Map();
    for (const [length, place] of found) {
      if (!seen.has(place) && !seen.has(place + length - 1)) chosen.set(place, length);
      for (let i = place; i < place + length; i++) seen.add(i);
    }
    const words = [];
    for (let place = 0; place < tokens.length; ) {
      const length = chosen.get(place) ?? 1;
      let span = tokens.slice(place, place + length);
      if (chosen.has(place)) {
        const last = span.length - 1;
        const text = span.map((word, i) => word + (i < last && spaces[place + i] ? " " : "")).join("");
        span = this.rules.get(text) ?? span;
      }
      words.push(...span);
      place += length;
    }
    return words;
  }

  // BPE: se une una y otra vez la pareja que antes se aprendió
  wordIds(word) {
    if (this.known.has(word)) return this.known.get(word);
    if (word === "\n ") return [this.vocab["\n</w>"] ?? this.vocab["<unk>"]];
    const parts = [...word];
    parts[parts.length - 1] += "</w>";
    for (;;) {
      let best = Infinity;
      for (let i = 0; i + 1 < parts.length; i++) {
        best = Math.min(best, this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity);
      }
      if (best === Infinity) break;
      for (let i = 0; i + 1 < parts.length; i++) {
        if (this.ranks.get(`${parts[i]} ${parts[i + 1]}`) === best) parts.splice(i, 2, parts[i] + parts[i + 1]);
      }
    }
    const ids = parts.map((part) => this.vocab[part] ?? this.vocab["<unk>"]);
    this.known.set(word, ids);
    return ids;
  }

  // Un token como se enseña: sin su marca de final de palabra
  shown(id) {
    const token = this.tokens[id];
    return token === "\n</w>" ? "↵" : token.replace("</w>", "");
  }

  endsWord(id) {
    return this.tokens[id].endsWith("</w>");
  }

  // El texto de unos ids, como `decode` en Python: `</w>` es un espacio y sobran los de delante de los signos
  text(ids) {
    const plain = ids.map((id) => this.tokens[id]).join("").replaceAll("</w>", " ").replaceAll("  ", " ");
    return plain.replace(/^ +| +$/g, "").split("\n").map(readable).join("\n");
  }
}
