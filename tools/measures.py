"""Las medidas de velocidad y memoria (`make bench`), contadas: la tabla del README y la página del sitio.

Salen de `data/benchmarks.json`, que escribe `python -m tests.benchmarks`. Una fila que no llega a lo que busca se
queda, con su razón.
"""

import datetime
import re
from itertools import groupby

import matplotlib.pyplot as plt

from helpers.figures import GRAY, PALETTE
from helpers.files import read_json, write_json
from helpers.spanish import number, significant
from tools import stamp_address
from tools.lessons import ROOT

DATA = ROOT / "data" / "benchmarks.json"
TITLES = {
    "tokenizer": "El tokenizador", "generation": "Generar", "zeroshot": "Disparo cero (zero-shot)",
    "finetuning": "Ajuste fino (fine-tuning)", "pretraining": "Preentrenar", "growth": "Cómo crece",
    "site": "En el navegador", "lessons": "Cada lección", "commands": "Lo que se espera",
}  # fmt: skip
LIMITS = {"leer": "lo que la máquina lee de memoria", "multiplicar": "lo que la máquina multiplica"}
BLOCK = re.compile(r"(<!-- medidas -->\n).*?(<!-- fin de las medidas -->)", re.S)
MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()


def read() -> dict:
    """`{grupo: {"machine", "rows"}}`, en el orden en que se cuentan."""
    found = read_json(DATA, ValueError) if DATA.exists() else {}
    return {group: found[group] for group in TITLES if group in found}


def save(group: str, found: dict) -> None:
    """Cambia un grupo y deja los demás."""
    write_json(DATA, read() | {group: found})


def met(row: dict) -> bool | None:
    """¿Llega la fila a lo que busca? `None` si no busca nada."""
    if "rival" in row:
        return None if row["goal"] is None else row["times"] >= row["goal"]
    return None if row["limit"] is None else row["ours"] <= row["limit"]


def amount(value: float, unit: str) -> str:
    """Una cantidad con tres cifras y su unidad: los segundos, en milisegundos si son pocos."""
    if unit == "s" and value < 1:
        value, unit = 1000 * value, "ms"
    return f"{significant(value, 3)} {unit}".strip()


def times(row: dict) -> str:
    low, high = (significant(value, 2) for value in row["spread"])
    return f"{significant(row['times'], 2)} veces" + (f" (de {low} a {high})" if low != high else "")


def goal(row: dict) -> str:
    """Lo que se busca y si se llega: «≥ 10 ✓»."""
    if met(row) is None:
        return "–"
    mark = "✓" if met(row) else "✗"
    if "rival" in row:
        return f"≥ {significant(row['goal'], 3)} {mark}"
    return f"≤ {amount(row['limit'], row['unit'])} {mark}"


def reason(row: dict) -> str:
    share = f"el {number(100 * row['share'])} % de {LIMITS[row['of']]}" if row.get("share") else ""
    return "; ".join(filter(None, (share, row["note"])))


def sentence(row: dict) -> str:
    """Una fila en una línea, para la terminal."""
    if "rival" in row:
        other, ours = (amount(row[key], row["unit"]) for key in ("other", "ours"))
        cost = f"{other} {row['rival']}, {ours} el curso: {times(row)}"
    else:
        cost = amount(row["ours"], row["unit"])
    return f"{row['name']}: {cost}; se busca {goal(row)}. {reason(row)}"


def table(rows: list[dict]) -> str:
    """Las filas de un grupo en Markdown; las que no tienen rival, en una tabla aparte."""
    pieces = []
    for versus, some in groupby(rows, key=lambda row: "rival" in row):
        if versus:
            lines = [
                "| Qué | Rival | El curso | Cuántas veces menos | Se busca | |",
                "|---|---|---|---|---|---|",
            ]
            lines += [
                f"| {row['name']} | {amount(row['other'], row['unit'])}, {row['rival']} |"
                f" {amount(row['ours'], row['unit'])} | {times(row)} | {goal(row)} | {reason(row)} |"
                for row in some
            ]
        else:
            lines = ["| Qué | Medido | Se busca | |", "|---|---|---|---|"]
            lines += [
                f"| {row['name']} | {amount(row['ours'], row['unit'])} | {goal(row)} | {reason(row)} |"
                for row in some
            ]
        pieces.append("\n".join(lines))
    return "\n\n".join(pieces)


def where(machine: dict) -> str:
    """En qué máquina se midió un grupo y lo que esta da de sí."""
    date = datetime.date.fromisoformat(machine["date"])
    return (
        f"{machine['processor']}, {machine['threads']} hilos; lee {number(machine['read'] / 1e9, 1)} GB por segundo y"
        f" hace {number(machine['gemm'] / 1e9)} mil millones de operaciones de fp32 por segundo. Python"
        f" {machine['python']}, torch {machine['torch']}, transformers {machine['transformers']};"
        f" {date.day} de {MONTHS[date.month - 1]} de {date.year}."
    )


def figure(groups: dict):
    """Cuántas veces menos gasta el curso que cada rival, en escala logarítmica, con lo que se busca."""
    rows = [row for found in groups.values() for row in found["rows"] if "rival" in row][::-1]
    picture, axes = plt.subplots(figsize=(8, 0.34 * len(rows) + 1))
    axes.barh(range(len(rows)), [row["times"] for row in rows], color=PALETTE[0], height=0.6)
    for place, row in enumerate(rows):
        axes.plot(row["spread"], [place, place], color="black", lw=1)
        if row["goal"]:
            axes.plot([row["goal"]] * 2, [place - 0.4, place + 0.4], color=PALETTE[1], lw=2)
    axes.axvline(1, color=GRAY, lw=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: significant(value, 2))
    axes.set_yticks(
        range(len(rows)),
        [f"{row['name']}\nfrente a {row['rival'].replace('`', '')}" for row in rows],
        fontsize=7,
    )
    axes.set_xlabel("veces menos que el rival (escala logarítmica); la marca, lo que se busca")
    axes.set_title("Cuánto menos gasta el curso")
    axes.grid(axis="y", visible=False)
    return picture


def alt(groups: dict) -> str:
    """La figura en palabras."""
    rows = [row for found in groups.values() for row in found["rows"] if "rival" in row]
    return "Barras con las veces que el curso gasta menos: " + "; ".join(
        f"{row['name']} frente a {row['rival'].replace('`', '')}, {significant(row['times'], 2)}"
        for row in rows
    )


def page(picture: str) -> str:
    """El cuerpo de la página del sitio: la figura y una tabla por grupo."""
    groups = read()
    lines = [f"![{alt(groups)}]({picture})"]
    for group, found in groups.items():
        lines += [f"## {TITLES[group]}", table(found["rows"]), f"*{where(found['machine'])}*"]
    return "\n\n".join(lines)


def draw(path) -> None:
    """Guarda la figura, en SVG."""
    picture = figure(read())
    picture.savefig(path, format="svg", metadata={"Date": None})
    plt.close(picture)


def summary() -> str:
    """La tabla del README: de cada grupo, su primera fila con rival."""
    chosen = [
        next((row for row in found["rows"] if "rival" in row and row["goal"]), None)
        for found in read().values()
    ]
    lines = ["| Qué | Frente a | Cuántas veces menos | Se busca |", "|---|---|---|---|"]
    return "\n".join(
        lines + [f"| {row['name']} | {row['rival']} | {times(row)} | {goal(row)} |" for row in chosen if row]
    )


def fill_readme(path=ROOT / "README.md") -> bool:
    """Pone al día la tabla del README; dice si ha cambiado."""
    return stamp_address.replace(path, BLOCK, lambda block: f"{block[1]}\n{summary()}\n\n{block[2]}")
