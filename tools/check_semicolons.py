"""Ninguna celda acaba en `;`: nbval la ejecuta de otra manera y la salida comparada no sería la guardada.

ruff no lo ve, porque en un cuaderno lo da por bueno. Se escribe `_ = …` o se acaba con `plt.show()`.
"""

import io
import sys
import tokenize

from tools import lessons

IGNORED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.DEDENT,
}


def ends_in_semicolon(source):
    """¿Es `;` lo último que se ejecuta? Los comentarios y las cadenas no cuentan."""
    try:
        meaningful = [
            t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in IGNORED
        ]
    except (tokenize.TokenError, SyntaxError):  # órdenes de IPython («!ls», «%time»)
        return source.rstrip().endswith(";")
    return bool(meaningful) and meaningful[-1].string == ";"


def offences(path):
    cells = lessons.read(path).cells
    return [
        i + 1 for i, cell in enumerate(cells) if cell.cell_type == "code" and ends_in_semicolon(cell.source)
    ]


def main():
    found = [f"{path.name}, celda {n}: acaba en «;»" for path in lessons.find() for n in offences(path)]
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
