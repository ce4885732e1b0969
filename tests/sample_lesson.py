"""Una lección de muestra, mínima y en regla, para probar las herramientas y estropearla a propósito."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import setup_cell

NAME = "99_muestra.ipynb"
ANSWER = """\
<details>
<summary>Pista 1</summary>

Piensa en el doble.

</details>
<details>
<summary>Pista 2</summary>

Multiplica por 2.

</details>
<details>
<summary>Solución</summary>

```python
def double(x):
    return 2 * x
```

</details>"""

FIGURE = """\
import matplotlib.pyplot as plt

from helpers.figures import describe, show

figure, ax = plt.subplots()
ax.plot([1, 2])
show(describe(figure, "Una recta que sube de 1 a 2 y no dice nada más: es la figura de muestra."))"""


def build(repo=""):
    """El cuaderno sin ejecutar: 25 celdas con lo que pide el contrato y, aparte, celdas sencillas de relleno."""
    cells = [
        new_markdown_cell("# Lección 99 · Una muestra\n\nLo justo para cumplir el contrato."),
        new_markdown_cell("## Qué aprenderás\n\n- A comprobar lecciones."),
        new_markdown_cell("## Antes de empezar\n\nNada."),
        new_code_cell(setup_cell.render(repo), metadata={"tags": [setup_cell.TAG]}),
        new_markdown_cell("## Repaso\n\n¿Cuánto es 2 + 2?"),
        new_code_cell("2 + 2", id="suma"),
        new_code_cell('print("estable")', id="texto"),
        new_code_cell(FIGURE, id="figura"),
        *[new_code_cell(f"{n} * {n}", id=f"relleno-{n}") for n in range(12)],
        new_code_cell("def double(x): ...", metadata={"tags": ["exercise:double"]}),
        new_code_cell(
            'print({None: "⏳ pendiente", 4: "✅"}.get(double(2), "❌"))', metadata={"tags": ["check:double"]}
        ),
        new_markdown_cell(ANSWER),
        new_markdown_cell("## Ideas clave\n\n- Las pruebas pueden fallar."),
        new_markdown_cell(
            "## Para seguir\n\n" + "\n".join(f"- [Enlace {n}](https://example.org/{n})" for n in range(3))
        ),
    ]
    return new_notebook(cells=cells)
