"""Las figuras de la lección 05: los diez sorteos, la repetición y lo que ahorra la caché KV."""

from itertools import cycle

import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from helpers.figures import BLUE, ORANGE, PALETTE, RED, describe, readable, slant_if_crowded, with_comma
from helpers.spanish import number


def draws(published: dict, names, counts, expected, total: int, who: str = "Nuestro modelo"):
    """Un bucle que no avanza dibuja un histograma.

    - `published`: {token: veces} de los diez sorteos publicados del GPT-1 real.
    - `names`, `counts`, `expected`: los k tokens más probables del modelo `who`, cuántas veces ha salido cada uno
      en `total` sorteos y cuántas tocaban según su probabilidad.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4), width_ratios=[1, 2.1])
    left.bar([readable(name) for name in published], published.values(), color=ORANGE, width=0.6)
    left.set(title="GPT-1 real: los diez publicados", xlabel="token sorteado", ylabel="veces que salió")
    left.yaxis.get_major_locator().set_params(integer=True)
    places = range(len(names))
    right.bar(places, counts, color=ORANGE, width=0.6, label="veces que salió")
    right.plot(places, expected, "D", color=BLUE, ms=6, label="veces que le tocaban: sorteos × probabilidad")
    right.set_xticks(places, [readable(name) for name in names])
    right.set(title=f"{who}: {total} vueltas del bucle", xlabel="token sorteado", ylabel="veces que salió")
    right.legend(loc="upper right")
    for ax in (left, right):
        ax.grid(axis="x", visible=False)
    figure.tight_layout()
    slant_if_crowded(right)
    seen = ", ".join(f"«{readable(name)}» {times}" for name, times in published.items())
    return describe(
        figure,
        f"Dos histogramas. A la izquierda, los diez sorteos publicados de GPT-1: {seen}. A la derecha, las veces "
        f"que sale cada token en {total} vueltas ({who}) siguen de cerca a su probabilidad.",
    )


def repetition(curves: dict):
    """Cuánto se repite cada estrategia: distinct-2 de lo escrito hasta cada token.

    `curves`: {nombre de la estrategia: distinct-2 tras 1, 2, 3… parejas}; 1 = ninguna pareja repetida.
    """
    figure, ax = plt.subplots(figsize=(8.6, 4))
    for (name, values), color, line in zip(
        curves.items(), PALETTE, cycle(["-", "--", "-.", ":"]), strict=False
    ):
        ax.plot(range(1, len(values) + 1), values, color=color, lw=2.2, ls=line, label=name)
    ax.set(
        title="Parejas de tokens distintas en lo escrito",
        xlabel="parejas de tokens escritas",
        ylabel="distinct-2 (parejas distintas / parejas)",
        ylim=(0, 1.05),
    )
    ax.legend(title="estrategia", loc="lower left")
    with_comma(ax.yaxis)
    ends = "; ".join(f"{name}, {number(values[-1], 2)}" for name, values in curves.items())
    return describe(figure, f"Curvas de distinct-2 según se escribe. Al final: {ends}.")


def token_forwards(prompt: int, new: int):
    """Qué posiciones se calculan en cada vuelta del bucle, sin caché y con ella, para un texto de `prompt` tokens."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 3.9), sharey=True)
    colors = ListedColormap(["#FFFFFF", "#D9D9D9", BLUE])
    totals = []
    for ax, cached in zip(axes, (False, True), strict=True):
        grid = [[0] * (prompt + new - 1) for _ in range(new)]
        for step, row in enumerate(grid):
            for place in range(prompt + step):
                row[place] = 1 if cached and step > 0 and place < prompt + step - 1 else 2
        totals.append(sum(value == 2 for row in grid for value in row))
        ax.imshow(grid, cmap=colors, vmin=0, vmax=2, aspect="auto")
        ax.set_xticks([x - 0.5 for x in range(prompt + new)], minor=True)
        ax.set_yticks([y - 0.5 for y in range(new + 1)], minor=True)
        ax.grid(False)
        ax.grid(which="minor", color="white", lw=1.5)
        ax.tick_params(which="both", length=0)
        ax.set_xticks(range(prompt + new - 1), range(1, prompt + new))
        ax.set_yticks(range(new), range(1, new + 1))
        title = "Con caché" if cached else "Sin caché"
        ax.set(title=f"{title}: {totals[-1]} cálculos de un token", xlabel="posición del token")
    axes[0].set_ylabel("vuelta del bucle")
    kinds = [
        Patch(fc=BLUE, label="se calcula en esta vuelta"),
        Patch(fc="#D9D9D9", label="su clave y su valor se leen de la caché"),
    ]
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.legend(handles=kinds, loc="lower center", ncols=2)
    return describe(
        figure,
        f"Dos cuadrículas de vueltas por posiciones con {prompt} tokens de partida y {new} nuevos. Sin caché se "
        f"calculan {totals[0]} posiciones, un triángulo; con caché {totals[1]}, la primera fila y una diagonal.",
    )


def speed(without_cache, with_cache, prompt: int):
    """Segundos acumulados tras cada token nuevo, sin caché y con ella, partiendo de `prompt` tokens."""
    figure, ax = plt.subplots(figsize=(8.6, 4))
    for name, seconds, color in (
        ("sin caché", without_cache, RED),
        ("con caché", with_cache, BLUE),
    ):
        steps = range(1, len(seconds) + 1)
        ax.plot(steps, seconds, color=color, lw=2.4)
        ax.annotate(
            f"{name}: {number(seconds[-1], 1)} s", (len(seconds), seconds[-1]), (6, 0),
            textcoords="offset points", color=color, va="center", annotation_clip=False,
        )  # fmt: skip
    ax.set(
        title="Tiempo que cuesta escribir, con y sin caché",
        xlabel=f"tokens nuevos (tras {prompt} de partida)",
        ylabel="segundos desde el principio",
        ylim=(0, None),
    )
    with_comma(ax.yaxis)
    return describe(
        figure,
        f"Dos curvas de tiempo. Tras {len(with_cache)} tokens nuevos: {number(without_cache[-1], 1)} segundos "
        "sin caché, y cada token cuesta más que el anterior; con caché, "
        f"{number(with_cache[-1], 1)} segundos, casi una recta.",
    )
