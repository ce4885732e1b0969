"""El explorador de L1 de la lección 01: qué se ve de una frase, qué se adivina y cuánto cuesta.

La verdad es `guesses`, que llama al modelo con cada ventana; el guion solo elige, suma y dibuja.
"""

import html
import math

import torch
from IPython.display import HTML

from helpers import explorers
from helpers.figures import readable
from helpers.spanish import number

ROWS = 5


def guesses(model, ids: list[int], rows: int = ROWS) -> list[list[dict]]:
    """`[t - 1][k - 1]`: con `t` tokens leídos y viendo los últimos `k`, `p` (la del que venía) y `top` (id, p)."""
    found = []
    for t in range(1, len(ids)):
        found.append([])
        for k in range(1, t + 1):
            seen = torch.tensor([ids[t - k : t]], device=model.device)  # [1, k]
            with torch.inference_mode():
                probs = model(seen).logits[0, -1].softmax(-1)  # [vocabulario]
            best = probs.topk(rows)
            top = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
            found[-1].append({"p": probs[ids[t]].item(), "top": top})
    return found


def explorer(model, tokenizer, texts: list[str], ident: str = "explorador") -> HTML:
    """El explorador de las frases `texts`, todas con los mismos tokens; se abre viendo la primera casi entera.

    Lanza `ValueError` si no miden lo mismo: el deslizador es uno para todas.
    """
    every = [tokenizer(text)["input_ids"] for text in texts]
    if len({len(ids) for ids in every}) != 1:
        raise ValueError(f"Las frases miden {[len(ids) for ids in every]} tokens: deben medir lo mismo.")
    vocabulary = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    names = [readable(token) for token in vocabulary]
    sentences = [
        {"tokens": [names[i] for i in ids],
         "at": [[[one["p"], [[names[i], p] for i, p in one["top"]]] for one in row] for row in guesses(model, ids)]}
        for ids in every
    ]  # fmt: skip
    last = len(every[0]) - 1
    start = last - 1
    tokens, found = sentences[0]["tokens"], sentences[0]["at"]
    p, top = found[start - 1][start - 1]
    total = sum(math.log(row[-1][0]) for row in found[:start])
    body = "".join(_row(name, q) for name, q in top)
    static = (
        f'<p class="frase">Ve: <b>{html.escape(" ".join(tokens[:start]))}</b> · adivina: '
        f"<b>{html.escape(tokens[start])}</b></p>\n"
        f'<p class="estado" role="status" aria-live="polite">{_status(tokens[start], p, start, total)}</p>\n'
        "<table><caption>Sus cinco apuestas</caption>\n"
        '<thead><tr><th scope="col">token</th><th scope="col">probabilidad</th><th scope="col">barra</th></tr>'
        f"</thead>\n<tbody>{body}</tbody></table>"
    )
    data = {"sentences": sentences, "texts": texts, "last": last}
    return explorers.page(ident, data, static, _SCRIPT)


def _row(name: str, p: float) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{p * 100:.1f}%"></span>'
    return f'<tr><th scope="row">{html.escape(name)}</th><td class="p">{number(100 * p, 1)} %</td><td>{bar}</td></tr>'


def _status(token: str, p: float, count: int, total: float) -> str:
    name = html.escape(token)
    return (
        f"A «{name}» le da {number(100 * p, 1)} %: log P = {number(math.log(p), 2)}. "
        f"L1 de los {count} adivinados hasta aquí: {number(total, 2)}."
    )


_SCRIPT = """\
  const minus = (value, decimals) => text(value, decimals).replace("-", "−");
  const sentence = choice("s", "frase", data.texts);
  const read = slider("t", "tokens leídos", { min: 1, max: data.last, start: data.last - 1 });
  const seen = slider("k", "ventana k", { min: 1, max: data.last, start: data.last });

  function draw() {
    const { tokens, at } = data.sentences[+sentence.value];
    const t = +read.value, k = Math.min(+seen.value, t);
    const [p, top] = at[t - 1][k - 1];
    const total = at.slice(0, t).reduce((sum, row) => sum + Math.log(row[Math.min(k, row.length) - 1][0]), 0);
    const bold = (words) => Object.assign(document.createElement("b"), { textContent: words });
    root.querySelector(".frase").replaceChildren(
      "Ve: ", bold((k < t ? "… " : "") + tokens.slice(t - k, t).join(" ")), " · adivina: ", bold(tokens[t]));
    root.querySelector(".estado").textContent =
      `A «${tokens[t]}» le da ${text(100 * p, 1)} %: log P = ${minus(Math.log(p), 2)}. ` +
      `L1 de los ${t} adivinados hasta aquí: ${minus(total, 2)}.`;
    root.querySelectorAll("tbody tr").forEach((row, i) => {
      row.querySelector("th").textContent = top[i][0];
      row.querySelector(".p").textContent = `${text(100 * top[i][1], 1)} %`;
      row.querySelector(".barra").style.width = (100 * top[i][1]).toFixed(1) + "%";
    });
  }
"""
