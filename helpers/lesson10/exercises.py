"""Los ejercicios de la lección 10 que han nacido en ella; los otros dos siguen en el catálogo de la 01."""

from helpers.exercises import Exercise, Mistake

# Tabla 5, en el orden de sus filas: la suma de las ocho tareas, la media impresa y la última tarea, RTE.
SUMS, PRINTED, LAST = (597.2, 479.4, 600.2, 553.3), (74.7, 59.9, 75.0, 69.1), (56.0, 53.8, 54.4, 54.6)
MEANS = [total / 8 for total in SUMS]

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
                [8 * mean for mean in MEANS],
                "has sumado y te falta dividir por las ocho tareas.",
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
        success="tres de las cuatro salen redondeadas como se imprimen. La del LSTM es 69,16, y el artículo pone 69,1: "
        "está cortada, no redondeada.",
    ),
}
