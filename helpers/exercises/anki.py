"""El banco de preguntas en tarjetas de Anki: `python -m helpers.exercises.anki > preguntas.tsv` y, en Anki, Importar.

Cada tarjeta lleva el identificador de su pregunta: al volver a importar se actualiza y no se repite.
"""

import sys
from html import escape

from helpers.exercises.quiz import bank
from helpers.terminal import Parser, command

DECK = "GPT-1, de dentro afuera"
HEADER = ["#separator:tab", "#html:true", f"#deck:{DECK}", "#guid column:1", "#tags column:4"]


def anki_card(name: str, question: dict) -> list[str]:
    """Las cuatro columnas de una pregunta: identificador, anverso, reverso y etiquetas, con HTML en las dos caras."""
    options = question["options"]
    front = "<br>".join(
        [
            escape(question["question"]),
            *(f"{letter}) {escape(one['text'])}" for letter, one in options.items()),
        ]
    )
    right = question["right"]
    others = [letter for letter in options if letter != right]
    back = "<br>".join(
        [f"<b>{right}) {escape(options[right]['text'])}</b>", escape(options[right]["why"])]
        + [f"{letter}) {escape(options[letter]['why'])}" for letter in others]
    )
    columns = [f"gpt1-{name}", front, back, f"gpt1 leccion-{name[:2]}"]
    return [" ".join(column.split()) for column in columns]  # ni tabuladores ni saltos de línea


def rows() -> list[str]:
    """El archivo entero, línea a línea: la cabecera que lee Anki y una fila por pregunta."""
    return HEADER + ["\t".join(anki_card(name, question)) for name, question in bank().items()]


@command()
def main(arguments=None) -> int:
    Parser(prog="python -m helpers.exercises.anki", description=__doc__).parse_args(arguments)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # también en Windows
    print("\n".join(rows()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
