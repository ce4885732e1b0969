"""Los ejercicios de la lección 10 que han nacido en ella; los otros dos siguen en el catálogo de la 01."""

from helpers.exercises import Exercise, Mistake

# Las medias de las ocho tareas de la Tabla 5, en el orden en que imprime sus filas.
MEANS = [597.2 / 8, 479.4 / 8, 600.2 / 8, 553.3 / 8]

EXERCISES = {
    "10-medias": Exercise(
        reference=MEANS,
        tolerance=2e-4,  # vale dar dos decimales, y no vale copiar lo impreso
        mistakes=[
            Mistake(
                [74.7, 59.9, 75.0, 69.1],
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
                [
                    (8 * mean + printed) / 8
                    for mean, printed in zip(MEANS, [74.7, 59.9, 75.0, 69.1], strict=True)
                ],
                "has sumado también la columna «Media»: empieza la suma en el segundo valor de cada fila.",
            ),
        ],
        success="tres de las cuatro salen redondeadas como se imprimen. La del LSTM es 69,16, y el artículo pone 69,1: "
        "está cortada, no redondeada.",
    ),
}
