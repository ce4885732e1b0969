"""El explorador de la lección 04: qué puede ver cada posición de una frase y qué espera, con temperatura.

La verdad es `expected`. Qué es un explorador y qué tienen todos, en `helpers.explorers`.
"""

import html

import torch
from IPython.display import HTML

from helpers import explorers, generation
from helpers.figures import readable
from helpers.spanish import number

TEMPERATURES = [step / 10 for step in range(1, 31)]  # las del mando, de 0,1 a 3


def expected(logits: torch.Tensor, temperature: float, following: int | None, rows: int):
    """Lo que se enseña de una fila de logits [vocabulario]: (probabilidades, entropía, (puesto, p) del que venía).

    Las probabilidades son las de los `rows` candidatos mayores y, juntos, las de los demás.
    """
    probs = generation.probabilities(logits, temperature)
    top = probs[_order(logits)[:rows]].tolist()
    entropy = float(torch.special.entr(probs).sum())
    came = None if following is None else (_place(logits, following), float(probs[following]))
    return [*top, max(0.0, 1 - sum(top))], entropy, came


def _order(logits):
    return logits.argsort(descending=True, stable=True)


def _place(logits, token):
    return int((logits > logits[token]).sum()) + 1


def explorer(
    logits: torch.Tensor,
    ids: torch.Tensor,
    tokens: list[str],
    rows: int = 8,
    start: int = 3,
    ident: str = "mascara",
) -> HTML:
    """El explorador de varias frases que solo se diferencian en la última palabra.

    `ids` [frases, T] y sus `logits` [frases, T, vocabulario]; `tokens`, los nombres del vocabulario. Empieza en la
    posición `start` de la primera frase. Lanza `ValueError` si las formas no casan o cambia otra palabra.
    """
    logits, ids = logits.detach().float().cpu(), ids.cpu()
    if logits.shape != (*ids.shape, len(tokens)) or not (ids[:, :-1] == ids[:1, :-1]).all():
        raise ValueError(
            f"Los ids {list(ids.shape)} y los logits {list(logits.shape)} tienen que ser de frases que solo cambian en "
            "la última palabra."
        )
    every = logits.flatten(0, 1)  # [frases × T, vocabulario]
    ordered = every.sort(dim=-1, descending=True, stable=True).values
    others = (
        ordered[:, None, rows:] / torch.tensor(TEMPERATURES)[:, None]
    )  # [frases × T, temperaturas, los demás]
    probs = torch.stack([generation.probabilities(every, one) for one in TEMPERATURES], dim=1)
    came = [[(_place(row, token), row[token].item()) for row, token in zip(table[:-1], text[1:].tolist(), strict=True)]
            for table, text in zip(logits, ids, strict=True)]  # fmt: skip
    data = {
        "rows": rows,
        "start": start,
        "texts": [[readable(tokens[token]) for token in text] for text in ids.tolist()],
        "names": [[readable(tokens[one]) for one in _order(row)[:rows].tolist()] for row in every],
        "came": came,  # de cada posición menos la última: (puesto, logit) del token que venía
        "top": explorers.packed(ordered[:, :rows]),
        "rest": explorers.packed(
            others.logsumexp(dim=-1)
        ),  # el logit que valdría por todos los demás, entre T
        "entropy": explorers.packed(torch.special.entr(probs).sum(dim=-1)),
    }
    return explorers.page(ident, data, _static(logits[0], ids[0].tolist(), data), _SCRIPT)


def _static(logits, ids, data):
    """La parte fija: la posición de partida de la primera frase, con temperatura 1."""
    place, names = data["start"], data["texts"][0]
    following = ids[place + 1] if place + 1 < len(ids) else None
    probs, entropy, came = expected(logits[place], 1.0, following, data["rows"])
    seen = html.escape(" ".join(names[: place + 1]))
    hidden = html.escape(" ".join(names[place + 1 :]))
    labels = [*data["names"][place], "(los demás)"]
    scaled = [
        *(number(z, 2) for z in logits[place].sort(descending=True).values[: data["rows"]].tolist()),
        "—",
    ]
    rows = "".join(_row(*row) for row in zip(labels, scaled, probs, strict=True))
    told = f"Entropía, {number(entropy, 2)} nats."
    if came:
        told += (
            f" Venía «{html.escape(names[place + 1])}»: puesto {came[0]}, probabilidad {number(came[1], 3)}."
        )
    else:
        told += " Lo que viene aún no existe: de aquí sale texto nuevo."
    return (
        f'<p class="frase">{seen} <s>{hidden}</s></p>\n'
        f'<p class="estado" role="status" aria-live="polite">{told}</p>\n'
        "<table><caption>Lo que espera; lo tachado no puede verlo</caption>\n"
        '<thead><tr><th scope="col">token</th><th scope="col" style="width: 4.6rem">logit ÷ T</th>'
        '<th scope="col" class="p">probabilidad</th><th scope="col">barra</th></tr>'
        f"</thead>\n<tbody>{rows}</tbody></table>"
    )


def _row(name: str, scaled: str, p: float) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{p * 100:.1f}%"></span>'
    cells = f'<td class="z" style="text-align: right">{scaled}</td><td class="p">{number(p, 3)}</td><td>{bar}</td>'
    return f'<tr><th scope="row">{html.escape(name)}</th>{cells}</tr>'


_SCRIPT = """\
  const top = unpack(data.top), rest = unpack(data.rest), entropies = unpack(data.entropy);
  const length = data.texts[0].length, steps = rest.length / data.names.length;
  const places = data.texts[0].map((name, i) => (i < length - 1 ? `${i} · tras «${name}»` : `${i} · tras la última`));

  const where = choice("where", "1. posición", places, data.start);
  const t = slider("t", "2. temperatura", { min: 0.1, max: 3, step: 0.1, start: 1, told: (x) => text(x, 1) });
  const last = choice("last", "3. última palabra", data.texts.map((names) => names[length - 1]));

  function draw() {
    const place = +where.value, names = data.texts[+last.value], temperature = +t.value;
    const at = +last.value * length + place, step = at * steps + Math.round(temperature * 10) - 1;
    const scaled = top.slice(at * data.rows, (at + 1) * data.rows).map((z) => z / temperature);
    softmax([...scaled, rest[step]]).forEach((p, i) => {
      const row = root.querySelectorAll("tbody tr")[i];
      row.querySelector("th").textContent = data.names[at][i] ?? "(los demás)";
      row.querySelector(".z").textContent = i < data.rows ? text(scaled[i], 2).replace("-", "−") : "—";
      row.querySelector(".p").textContent = text(p, 3);
      row.querySelector(".barra").style.width = (p * 100).toFixed(1) + "%";
    });
    const hidden = document.createElement("s");
    hidden.textContent = names.slice(place + 1).join(" ");
    root.querySelector(".frase").replaceChildren(names.slice(0, place + 1).join(" ") + " ", hidden);
    let told = `Entropía, ${text(entropies[step], 2)} nats.`;
    if (place < length - 1) {
      const [rank, logit] = data.came[+last.value][place];
      const most = Math.max(...scaled, rest[step]);
      const total = [...scaled, rest[step]].reduce((sum, x) => sum + Math.exp(x - most), 0);
      const p = Math.exp(logit / temperature - most) / total;
      told += ` Venía «${names[place + 1]}»: puesto ${rank}, probabilidad ${text(p, 3)}.`;
    } else told += " Lo que viene aún no existe: de aquí sale texto nuevo.";
    root.querySelector(".estado").textContent = told;
  }
"""
