"""El contrato de una lección: lo que se puede comprobar de su forma sin ejecutarla.

`problems(path)` devuelve una frase por incumplimiento; una lista vacía es una lección en regla.
"""

import html
import json
import re
import statistics

import nbformat

from tools import lessons, setup_cell
from tools.check_semicolons import ends_in_semicolon
from tools.stamp_address import badge, link_notebooks

SECTIONS = ("Qué aprenderás", "Antes de empezar", "Repaso", "Ideas clave", "Para seguir")
FORBIDDEN = re.compile(
    r"\b(clear_output|interact|ipywidgets|widgets\.Output|tqdm\.notebook|trust_remote_code)\b"
)
MACHINE_PATH = re.compile(r"(?<![\w.])(/(root|home|tmp|work|Users|opt)/\w|[A-Z]:\\\\+Users)")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
FOLDED = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
PYTHON_FENCE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$\$?[^$]+\$\$?")
ACCENTED = re.compile(r"\\(?:text|math|operatorname)\w*\{[^}]*[áéíóúñÁÉÍÓÚÑ][^}]*\}")
FOLDS = ["Pista 1", "Pista 2", "Solución"]
ALT = re.compile(r'<img alt="([^"]*)" src="data:image/png')
ALT_WORDS = 12  # las que necesita, como poco, quien no ve la figura
MAX_KILOBYTES = 1000  # cada figura va dos veces: en el HTML que lleva su descripción y en PNG
ON_GPU = ("05", "06", "07", "08", "09")  # las que en una GPU van más deprisa se la piden a Colab


def problems(path, repo=""):
    notebook = lessons.read(path)
    checks = (
        check_file,
        check_title,
        check_sections,
        check_setup,
        check_code,
        check_formulas,
        check_outputs,
        check_exercises,
    )
    return [problem for check in checks for problem in check(path, notebook, repo)]


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tag_of(cell, kind):
    """El NOMBRE de la etiqueta `kind:NOMBRE` de una celda, o `None`."""
    return next((tag.partition(":")[2] for tag in lessons.tags(cell) if tag.startswith(f"{kind}:")), None)


def steps(notebook):
    """Las celdas; la prosa partida para enlazar su título cuenta una vez, y cada `check`, con su hueco."""
    pairs = zip(notebook.cells, [None, *notebook.cells], strict=False)
    return sum(
        not tag_of(cell, "check") and not (before and cell.cell_type == before.cell_type == "markdown")
        for cell, before in pairs
    )


def check_file(path, notebook, repo):
    text = path.read_text(encoding="utf-8")
    if path.stat().st_size > MAX_KILOBYTES * 1024:
        yield f"ocupa más de {MAX_KILOBYTES} KB"
    if text != nbformat.writes(lessons.normalise(nbformat.reads(text, as_version=4))) + "\n":
        yield "tiene metadatos que sobran: guárdala con `make lecciones`"
    if notebook.metadata.get("accelerator") != ("GPU" if path.stem[:2] in ON_GPU else None):
        yield "no pide a Colab lo que necesita: revisa su `accelerator` (tests/contract.py, ON_GPU)"
    if found := MACHINE_PATH.search(json.dumps(notebook, ensure_ascii=False)):
        yield f"contiene una ruta de una máquina: «{found.group()}…»"
    if len(notebook.cells) < 25:
        yield f"tiene {len(notebook.cells)} celdas y deben ser 25 o más"
    most = 75 if path.name.startswith("08") else 60  # la 08 escribe el modelo entero
    if steps(notebook) > most:
        yield f"tiene {steps(notebook)} pasos y deben ser {most} o menos"


def check_title(path, notebook, repo):
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not re.match(rf"# Lección {path.stem[:2]} · \S", first.source):
        yield f"no empieza por «# Lección {path.stem[:2]} · …»"
    expected = badge(repo, path.name)
    if expected not in first.source or (not expected and "colab" in first.source.lower()):
        yield "su insignia de Colab no es la que corresponde: `make direccion`"
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    if [link_notebooks(text, repo) for text in texts] != texts:
        yield "sus enlaces a otros cuadernos no son los que corresponden: `make direccion`"


def check_sections(path, notebook, repo):
    found = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            headings = re.findall(r"^##+ +(.+?) *$", cell.source, re.MULTILINE)
            found += [(index, title) for title in headings if title in SECTIONS]
        elif setup_cell.TAG in lessons.tags(cell):
            found.append((index, setup_cell.TAG))
    expected = [*SECTIONS[:2], setup_cell.TAG, *SECTIONS[2:]]
    if path.stem.startswith("00"):  # la primera no tiene lecciones anteriores que repasar
        expected.remove("Repaso")
    titles = [title for _, title in found]
    if titles != expected:
        yield f"sus secciones son {titles} y deben ser {expected}"
    elif not 3 <= len(links := section_links(notebook, found[-1][0])) <= 6:
        yield f"«Para seguir» tiene {len(links)} enlaces y deben ser entre 3 y 6"


def section_links(notebook, start):
    """Los enlaces desde «Para seguir» (incluida) hasta el final, sin los de la línea que lleva a otras lecciones."""
    sources = [cell.source for cell in notebook.cells[start:] if cell.cell_type == "markdown"]
    lines = "\n".join(sources).partition("Para seguir")[2].splitlines()
    return LINK.findall("\n".join(line for line in lines if "README.md" not in line))


def check_setup(path, notebook, repo):
    cells = [cell for cell in notebook.cells if setup_cell.TAG in lessons.tags(cell)]
    if [cell.source for cell in cells] != [setup_cell.render(repo)]:
        yield "su celda de puesta en marcha no es la plantilla: `make direccion`"


def check_code(path, notebook, repo):
    lengths = []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        lengths.append(len(cell.source.splitlines()))
        if not cell.source.strip():
            yield f"la celda {number} está vacía"
        if lengths[-1] > 25:
            yield f"la celda {number} tiene {lengths[-1]} líneas y el máximo son 25"
        if ends_in_semicolon(cell.source):
            yield f"la celda {number} acaba en «;»"
        if found := FORBIDDEN.search(cell.source):
            yield f"la celda {number} usa «{found.group()}», que nbval no puede comparar"
    if lengths and statistics.median(lengths) > 12:
        yield f"la mediana de sus celdas de código es de {statistics.median(lengths):g} líneas y el máximo son 12"


def check_formulas(path, notebook, repo):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for formula in FORMULA.findall(cell.source):
                if found := ACCENTED.search(formula):
                    yield f"una fórmula de {cell.id} lleva tilde en «{found[0]}», que sale en otra letra: \\acute{{…}}"


def check_outputs(path, notebook, repo):
    code = code_cells(notebook)
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "no está ejecutada de arriba abajo con un núcleo nuevo: `make lecciones`"
    outputs = [(cell, output) for cell in code for output in cell.outputs]
    for cell, output in outputs:
        if output.output_type == "error" and "raises-exception" not in lessons.tags(cell):
            yield f"la celda [{cell.execution_count}] guarda un error: {output.ename}"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"la celda [{cell.execution_count}] escribe en la salida de errores: {output.text[:80]!r}"
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
            yield f"la celda [{cell.execution_count}] guarda un widget"
    for cell, alt in figures(notebook):
        if len(alt.split()) < ALT_WORDS:
            yield f"la figura de [{cell.execution_count}] no llega a {ALT_WORDS} palabras que la describan: «{alt}»"
    if not figures(notebook):
        yield "no tiene ninguna figura"


def figures(notebook):
    """Las imágenes que guarda una lección: [(celda, texto alternativo, vacío si no lo lleva)]."""
    return [
        (cell, html.unescape("".join(ALT.findall(output.data.get("text/html", "")))))
        for cell in code_cells(notebook)
        for output in cell.outputs
        if any(kind.startswith("image/") for kind in output.get("data", {}))
    ]


def check_exercises(path, notebook, repo):
    names = []
    cells = [*notebook.cells, None, None]
    for index, stub in enumerate(notebook.cells):
        name = tag_of(stub, "exercise")
        if name is None:
            continue
        names.append(name)
        check, answer = cells[index + 1 : index + 3]
        if check is None or check.cell_type != "code" or tag_of(check, "check") != name:
            yield f"al ejercicio «{name}» no le sigue su comprobación"
        elif "⏳" not in printed(check):
            yield f"la comprobación de «{name}» no dice «⏳» con el ejercicio sin hacer"
        elif answer is None or answer.cell_type != "markdown":
            yield f"a la comprobación de «{name}» no le siguen sus pistas y su solución"
        elif (titles := [title(summary) for summary, _ in FOLDED.findall(answer.source)]) != FOLDS:
            yield f"los desplegables de «{name}» son {titles} y deben ser {FOLDS}"
        elif solution(answer.source) is None:
            yield f"la solución de «{name}» no es un bloque de Python"
    checks = [tag_of(cell, "check") for cell in notebook.cells if tag_of(cell, "check")]
    if len(set(names)) != len(names) or checks != names:
        yield f"los ejercicios {names} no se corresponden uno a uno con las comprobaciones {checks}"
    if not names and not path.stem.startswith("00"):
        yield "no tiene ningún ejercicio con comprobación"


def title(summary):
    """El nombre de un desplegable, sin etiquetas HTML ni lo que venga tras él: «<b>Pista 1</b>: mira la forma»."""
    text = re.sub(r"<[^>]+>|[^\w ]", "", summary).strip()
    return next((name for name in FOLDS if text.startswith(name)), text)


def printed(cell):
    """Todo el texto que guarda la salida de una celda."""
    outputs = cell.get("outputs", [])
    return "".join(o.get("text", "") + "".join(map(str, o.get("data", {}).values())) for o in outputs)


def solution(markdown):
    """El código del desplegable «Solución», o `None`."""
    bodies = [body for summary, body in FOLDED.findall(markdown) if title(summary) == "Solución"]
    fences = PYTHON_FENCE.findall(bodies[0]) if bodies else []
    return "\n".join(fences).strip() if fences else None
