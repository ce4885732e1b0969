"""Los ejercicios de la lección 10 que han nacido en ella; los otros dos siguen en el catálogo de la 01."""

import math
from itertools import combinations, pairwise

import torch

from helpers.exercises import Exercise, Mistake

# Tabla 5, en el orden de sus filas: la suma de las ocho tareas, la media impresa y la última tarea, RTE.
SUMS, PRINTED, LAST = (597.2, 479.4, 600.2, 553.3), (74.7, 59.9, 75.0, 69.1), (56.0, 53.8, 54.4, 54.6)
MEANS = [total / 8 for total in SUMS]


# --- 10-cuadra: (impreso, calculado, decimales) → bool -----------------------------------------------------------


def fits(printed, computed, decimals):
    """¿Puede `printed` ser `computed` redondeado a `decimals` decimales? Un empate vale para los dos lados."""
    return abs(printed - computed) <= 0.5 * 10**-decimals + 1e-9


FITS = [  # (impreso, calculado, decimales)
    (75.0, 75.025, 1), (69.1, 69.1625, 1), (5.5, 3.9, 1), (3.9, 72.8 - 68.9, 1), (0.3, 0.25, 1), (0.2, 0.25, 1),
    (2.4, 2.45, 1), (70, 69.6, 0), (70, 71.2, 0), (0.12, 0.1249, 2), (0.12, 0.14, 2), (-0.3, -0.27, 1), (-0.3, 0.3, 1),
]  # fmt: skip


# --- 10-grandes: (tamaños, efectos) → parte de las parejas en las que gana la mayor --------------------------------


def concordance(sizes, effects):
    """De todas las parejas de tareas, en qué parte la de más ejemplos tiene también el efecto mayor."""
    pairs = list(combinations(range(len(sizes)), 2))
    return sum((sizes[a] > sizes[b]) == (effects[a] > effects[b]) for a, b in pairs) / len(pairs)


def _neighbours(sizes, effects):
    ordered = [effect for _, effect in sorted(zip(sizes, effects, strict=True))]
    return sum(b > a for a, b in pairwise(ordered)) / (len(ordered) - 1)


def _in_order(sizes, effects):
    pairs = list(combinations(effects, 2))
    return sum(b > a for a, b in pairs) / len(pairs)


def _positive(sizes, effects):
    half = sorted(sizes)[len(sizes) // 2]
    large = [effect for size, effect in zip(sizes, effects, strict=True) if size >= half]
    return sum(effect > 0 for effect in large) / len(large)


def _squared(sizes, effects):
    n = len(sizes)
    return concordance(sizes, effects) * n * (n - 1) / 2 / n**2


def _first_larger(sizes, effects):
    pairs = list(combinations(range(len(sizes)), 2))
    return sum(sizes[a] > sizes[b] and effects[a] > effects[b] for a, b in pairs) / len(pairs)


def _correlation(sizes, effects):
    return torch.corrcoef(torch.tensor([sizes, effects], dtype=torch.float64))[0, 1].item()


# --- 10-pareja: (aciertos, aciertos, semillas sorteadas, frases sorteadas) → (diferencia, desde, hasta) -----------


def _resampled(ours, theirs, seeds, texts, mean=lambda apart, s, t: apart[s][:, t].mean()):
    apart = ours - theirs  # [S, N]
    return torch.stack([mean(apart, s, t) for s, t in zip(seeds, texts, strict=True)])  # [R]


def _between(ours, theirs, means, low=0.025, high=0.975, center=None):
    ends = means.quantile(torch.tensor([low, high], dtype=means.dtype)).tolist()
    return (ours - theirs).mean().item() if center is None else center, *ends


def paired(ours, theirs, seeds, texts):
    """La diferencia media y su intervalo del 95 %: mismas semillas y mismas frases sorteadas para los dos."""
    return _between(ours, theirs, _resampled(ours, theirs, seeds, texts))


def _loose(ours, theirs, seeds, texts):
    """Cada sistema, con sus propios sorteos."""
    mine = _resampled(ours, 0 * theirs, seeds, texts)
    return _between(ours, theirs, mine - _resampled(theirs, 0 * ours, seeds.roll(1, 0), texts.roll(1, 0)))


def _bell(width):
    def interval(ours, theirs, seeds, texts):
        means, center = _resampled(ours, theirs, seeds, texts), (ours - theirs).mean().item()
        return center, center - width * means.std().item(), center + width * means.std().item()

    return interval


def _ranked(ours, theirs, seeds, texts):
    """Los extremos, tomados de la lista ordenada, sin interpolar."""
    means = _resampled(ours, theirs, seeds, texts).sort().values
    low, high = (means[int(share * len(means))].item() for share in (0.025, 0.975))
    return (ours - theirs).mean().item(), low, high


def _scaled(ours, theirs, seeds, texts):
    return tuple(100 * one for one in paired(ours, theirs, seeds, texts))


def draws(seeds: int, texts: int, times: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Los sorteos, con reposición: `times` juegos de semillas [R, S] y de frases [R, N]."""
    rng = torch.Generator().manual_seed(seed)
    return (
        torch.randint(seeds, (times, seeds), generator=rng),
        torch.randint(texts, (times, texts), generator=rng),
    )


def _case(seeds, texts, seed):
    rng = torch.Generator().manual_seed(seed)
    ours, theirs = ((torch.rand(seeds, texts, generator=rng) < share).double() for share in (0.8, 0.55))
    return ours, theirs, *draws(seeds, texts, 60, seed)


# --- 10-semillas: (lo que baila una pareja, diferencia) → semillas -------------------------------------------------


def seeds_needed(spread, difference):
    """Semillas para distinguir de cero una diferencia, ocho veces de cada diez."""
    return math.ceil(((1.96 + 0.84) * spread / difference) ** 2)


def _seeds(power=2.8, square=2, up=math.ceil, times=1):
    return lambda spread, difference: up(times * (power * spread / difference) ** square)


EXERCISES = {
    "10-medias": Exercise(
        reference=MEANS,
        tolerance=9e-5,  # valen dos decimales, redondeados o cortados; no, lo impreso ni la media de los nueve
        mistakes=[
            Mistake(
                list(PRINTED),
                "esas son las que imprime el artículo: vuelve a calcularlas, con dos decimales o más.",
            ),
            Mistake(
                [round(mean, 1) for mean in MEANS],
                "has redondeado a un decimal, y así no se ve cuál falla: deja dos o todos.",
            ),
            Mistake(
                [8 * mean for mean in MEANS],
                "has sumado y te falta dividir por las ocho tareas.",
            ),
            Mistake(
                [8 * mean / 9 for mean in MEANS],
                "has sumado las ocho tareas y dividido por nueve: la columna de la media no cuenta.",
            ),
            Mistake(
                [MEANS[0], MEANS[2], MEANS[1], MEANS[3]],
                "las cuatro están bien, pero en otro orden: el de las filas de la tabla, sin preentrenar la segunda.",
            ),
            Mistake(
                [(total + printed) / 8 for total, printed in zip(SUMS, PRINTED, strict=True)],
                "has sumado también la columna «Media»: empieza la suma en el segundo valor de cada fila.",
            ),
            Mistake(
                [(total + printed) / 9 for total, printed in zip(SUMS, PRINTED, strict=True)],
                "has hecho la media de los nueve valores, y el primero ya es la media: déjalo fuera y divide por ocho.",
            ),
            Mistake(
                [(total + mean - last) / 8 for total, mean, last in zip(SUMS, PRINTED, LAST, strict=True)],
                "`[:-1]` quita el último valor, que es RTE; la media es el primero: `[1:]`.",
            ),
        ],
        success="son las cuatro medias. Cuáles cuadran con lo impreso lo dirá tu revisor.",
    ),
    "10-cuadra": Exercise(
        reference=fits,
        goes_on=True,
        cases=FITS,
        success="tu revisor perdona el redondeo y nada más.",
        mistakes=[
            Mistake(
                lambda printed, computed, decimals: round(computed, decimals) == printed,
                "en un empate vale redondear hacia los dos lados y `round` elige uno: compara la distancia con media "
                "unidad de la última cifra.",
            ),
            Mistake(
                lambda printed, computed, decimals: printed == computed,
                "lo impreso está redondeado: casi nunca será igual que lo calculado.",
            ),
            Mistake(
                lambda printed, computed, decimals: abs(printed - computed) < 10**-decimals,
                "perdonas una unidad entera de la última cifra y redondear solo mueve media: así pasa también uno "
                "cortado.",
            ),
            Mistake(
                lambda printed, computed, decimals: abs(printed - computed) < 0.5 * 10**-decimals - 1e-9,
                "te dejas fuera los empates: 0,25 puede imprimirse 0,2 o 0,3.",
            ),
            Mistake(
                lambda printed, computed, decimals: abs(printed - computed) <= 0.5 * 10**-decimals,
                "la idea está bien, pero 2,45 − 2,4 da en binario una pizca más de 0,05: deja un margen, como 1e-9.",
            ),
            Mistake(
                lambda printed, computed, decimals: abs(printed - computed) <= 0.05 + 1e-9,
                "has fijado un decimal: usa `decimals`.",
            ),
            Mistake(
                lambda printed, computed, decimals: printed - computed <= 0.5 * 10**-decimals + 1e-9,
                "sin valor absoluto, todo lo que se imprime de menos pasa.",
            ),
            Mistake(
                lambda printed, computed, decimals: int(computed * 10**decimals) / 10**decimals == printed,
                "con `int` cortas los decimales que sobran, y el artículo los redondea.",
            ),
            Mistake(
                lambda printed, computed, decimals: not fits(printed, computed, decimals),
                "está al revés: True es que cuadra.",
            ),
            Mistake(
                lambda printed, computed, decimals: abs(printed - computed) <= 0.5 * 10**decimals + 1e-9,
                "el exponente va con signo menos: con un decimal, media unidad es 0,05.",
            ),
        ],
    ),
    "10-grandes": Exercise(
        reference=concordance,
        goes_on=True,
        cases=[
            ([10, 20, 30], [1.0, 2.0, 3.0]),
            ([10, 20, 30, 40], [4.0, 1.0, 2.0, 3.0]),
            ([500, 10, 90, 40, 200], [-0.4, 0.9, -1.2, 0.3, 0.1]),
            ([7, 3, 9, 1], [-3.0, -1.0, -2.0, -4.0]),
        ],
        success="0,5 es lo que daría el azar y 1, una regla sin excepciones.",
        mistakes=[
            Mistake(
                _in_order,
                "comparas los efectos en el orden de la lista: hay que mirar qué tarea tiene más ejemplos.",
            ),
            Mistake(
                _neighbours,
                "comparas cada tarea solo con la siguiente en tamaño: son todas las parejas, n·(n − 1)/2.",
            ),
            Mistake(_positive, "cuentas las grandes que suben; se pide comparar parejas de tareas."),
            Mistake(
                _squared,
                "divides por n², que cuenta cada pareja dos veces y a cada tarea consigo misma: son n·(n − 1)/2.",
            ),
            Mistake(
                lambda sizes, effects: concordance(sizes, effects) / 2,
                "cada pareja se cuenta una vez, así que se divide por n·(n − 1)/2 y no por n·(n − 1).",
            ),
            Mistake(
                _first_larger,
                "una pareja también cumple si la primera es la MENOR y su efecto, el menor: comparas solo en un "
                "sentido.",
            ),
            Mistake(
                lambda sizes, effects: 1 - concordance(sizes, effects),
                "está al revés: cuenta las parejas en las que la mayor tiene el efecto MAYOR.",
            ),
            Mistake(
                lambda sizes, effects: 2 * concordance(sizes, effects) - 1,
                "eso es la tau de Kendall, de −1 a 1: aquí se pide la parte de las parejas, de 0 a 1.",
            ),
            Mistake(
                lambda sizes, effects: concordance(sizes, effects) * len(sizes) * (len(sizes) - 1) / 2,
                "has contado las parejas: falta dividir por cuántas hay.",
            ),
            Mistake(
                lambda sizes, effects: 100 * concordance(sizes, effects),
                "se pide la parte, de 0 a 1, no el tanto por ciento.",
            ),
            Mistake(
                _correlation,
                "eso es una correlación, y la mueve sobre todo la tarea más grande: aquí solo importa el orden.",
            ),
        ],
    ),
    "10-pareja": Exercise(
        reference=paired,
        goes_on=True,
        cases=[_case(3, 20, 0), _case(5, 40, 1)],
        success="la suerte de las semillas y la de las frases, las dos en el mismo intervalo.",
        mistakes=[
            Mistake(
                lambda ours, theirs, seeds, texts: paired(theirs, ours, seeds, texts),
                "la resta es la contraria: `ours` menos `theirs`.",
            ),
            Mistake(
                lambda ours, theirs, seeds, texts: _between(
                    ours, theirs, _resampled(ours, theirs, seeds, texts, lambda d, s, t: d[:, t].mean())
                ),
                "remuestreas solo las frases: falta la suerte de las semillas, `apart[s]`.",
            ),
            Mistake(
                lambda ours, theirs, seeds, texts: _between(
                    ours, theirs, _resampled(ours, theirs, seeds, texts, lambda d, s, t: d[s].mean())
                ),
                "remuestreas solo las semillas: falta la suerte de las frases, `[:, t]`.",
            ),
            Mistake(
                _loose,
                "cada sistema lleva sus propios sorteos, y así no van emparejados: resta primero y sortea después.",
            ),
            Mistake(
                lambda ours, theirs, seeds, texts: _between(
                    ours, theirs, _resampled(ours, theirs, seeds, texts), 0.05, 0.95
                ),
                "entre el 5 y el 95 % queda el 90 %: para el 95 %, del 2,5 al 97,5.",
            ),
            Mistake(
                lambda ours, theirs, seeds, texts: _between(
                    ours, theirs, _resampled(ours, theirs, seeds, texts), 0.0, 1.0
                ),
                "esos son el menor y el mayor: un 95 % deja fuera un 2,5 % por cada lado.",
            ),
            Mistake(
                lambda ours, theirs, seeds, texts: _between(
                    ours,
                    theirs,
                    _resampled(ours, theirs, seeds, texts),
                    center=_resampled(ours, theirs, seeds, texts).mean().item(),
                ),
                "los extremos están bien; el primero es la diferencia observada, no la media de las remuestras.",
            ),
            Mistake(_bell(1.96), "eso supone una campana: los extremos son percentiles de las remuestras."),
            Mistake(
                _bell(1.0), "eso es más menos una desviación típica, y se piden los percentiles del 95 %."
            ),
            Mistake(
                _ranked,
                "casi: con la lista ordenada saltas de un valor al siguiente; `.quantile` interpola entre los dos.",
            ),
            Mistake(
                lambda ours, theirs, seeds, texts: (
                    paired(ours, theirs, seeds, texts)[1],
                    paired(ours, theirs, seeds, texts)[0],
                    paired(ours, theirs, seeds, texts)[2],
                ),
                "están los tres, pero en otro orden: la diferencia, desde y hasta.",
            ),
            Mistake(
                lambda ours, theirs, seeds, texts: (
                    paired(ours, theirs, seeds, texts)[0],
                    paired(ours, theirs, seeds, texts)[2],
                    paired(ours, theirs, seeds, texts)[1],
                ),
                "los extremos están al revés: primero el percentil 2,5.",
            ),
            Mistake(_scaled, "se piden partes de uno, no puntos: la lección ya multiplica por 100."),
            Mistake(
                lambda ours, theirs, seeds, texts: paired(ours, theirs, seeds, texts)[1:],
                "faltan cosas: son tres números, la diferencia y los dos extremos.",
            ),
        ],
    ),
    "10-semillas": Exercise(
        reference=seeds_needed,
        goes_on=True,
        cases=[(2.0, 0.3), (0.85, 0.3), (5.0, 4.0), (1.0, 0.6)],
        success="la mitad de diferencia pide cuatro veces más semillas.",
        mistakes=[
            Mistake(
                _seeds(square=1),
                "falta elevar al cuadrado: el margen se encoge con la raíz de las semillas.",
            ),
            Mistake(
                _seeds(power=1.96),
                "falta el 0,84: con solo 1,96 se vería la mitad de las veces, no ocho de cada diez.",
            ),
            Mistake(
                _seeds(power=1.96**2 + 0.84**2),
                "los dos números se suman antes de elevar al cuadrado, y sin cuadrado propio.",
            ),
            Mistake(
                _seeds(up=math.floor),
                "con ese redondeo te quedas corto: las semillas se redondean hacia arriba.",
            ),
            Mistake(
                _seeds(up=round),
                "redondeas al más cercano, y hacia abajo te quedas corto: hacia arriba siempre.",
            ),
            Mistake(
                lambda spread, difference: math.ceil(2.8 * (spread / difference) ** 2),
                "el 1,96 + 0,84 también va elevado al cuadrado.",
            ),
            Mistake(
                lambda spread, difference: (2.8 * spread / difference) ** 2,
                "la cuenta está bien, pero las semillas son enteras: hacia arriba.",
            ),
            Mistake(
                lambda spread, difference: math.ceil((2.8 * difference / spread) ** 2),
                "la fracción está al revés: cuanto menor es la diferencia, más semillas.",
            ),
            Mistake(
                lambda spread, difference: math.ceil(2.8**2 * spread / difference),
                "el cuadrado es de toda la fracción, no solo de 2,8.",
            ),
            Mistake(
                _seeds(times=2),
                "el 2 es para dos grupos sin emparejar; aquí lo que baila ya es la diferencia.",
            ),
        ],
    ),
}
