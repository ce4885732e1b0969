"""Lo que la segunda edición pide a una lección, además del contrato: que lo del lector se use, y pocas palabras.

`problems(path)` devuelve una frase por incumplimiento. Las lecciones que aún no se han reescrito están en `PENDING`.
"""

import ast
import re

import contract

from helpers.exercises import checking, quiz
from tools import lessons

README = lessons.ROOT / "README.md"
PENDING = ("07", "08")
MAX_WORDS = {"01": 2200, "06": 3000, "07": 3000, "09": 3000, "08": 3500, "10": 3500}  # en las demás, 2500
FOLDED_SHARE = 0.4  # la prosa plegada, frente a la que está a la vista
PARAGRAPH = 90
READING = 200  # palabras por minuto
FOLD = re.compile(r"<details>.*?</details>", re.DOTALL)
UNREAD = re.compile(
    r"```.*?```|<!--.*?-->|\$\$.*?\$\$|\]\([^)]*\)|<[^>]+>", re.DOTALL
)  # lo que no se lee como texto
DECLARED = re.compile(r"^- \*\*Lectura y ejercicios:\*\* unos (\d+) minutos", re.MULTILINE)
EXERCISE_MINUTES = re.compile(r"^[●○]{3} · (\d+) minutos?", re.MULTILINE)
LINK_TO_GLOSSARY = re.compile(r"\]\(glosario\.ipynb")
LONGEST = 1.5  # la opción más larga de una pregunta, frente a la más corta
SHORT_OPTION = 25  # letras: por debajo, la diferencia no delata nada


def problems(path):
    if path.stem[:2] in PENDING:
        return []
    notebook = lessons.read(path)
    checks = (
        check_words, check_minutes, check_use, check_folds, check_sections, check_explorer, check_way, check_quiz,
    )  # fmt: skip
    return [problem for check in checks for problem in check(path.stem[:2], notebook)]


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def words(text):
    return len(re.findall(r"\S*\w\S*", UNREAD.sub(" ", text)))


def read_words(notebook):
    """(palabras a la vista, palabras plegadas); de los ejercicios, el enunciado está a la vista."""
    texts = prose(notebook)
    return sum(words(FOLD.sub("", text)) for text in texts), sum(
        words(fold) for text in texts for fold in FOLD.findall(text)
    )


def paragraphs(text):
    """Los párrafos de una celda: cada elemento de una lista es uno; las tablas y los títulos no lo son."""
    for block in re.split(r"\n\s*\n", UNREAD.sub(" ", text)):
        if not block.lstrip().startswith(("|", "#")):
            yield from re.split(r"\n(?=\s*(?:[-*]|\d+\.) )", block)


def check_words(number, notebook):
    seen, folded = read_words(notebook)
    limit = MAX_WORDS.get(number, 2500)
    if seen > limit:
        yield f"tiene {seen} palabras a la vista y deben ser {limit} o menos"
    if folded > FOLDED_SHARE * limit:
        yield f"tiene {folded} palabras plegadas y deben ser {FOLDED_SHARE * limit:.0f} o menos"
    for text in prose(notebook):
        for paragraph in paragraphs(text):
            if (long := words(paragraph)) > PARAGRAPH:
                yield f"un párrafo tiene {long} palabras y deben ser {PARAGRAPH}: «{paragraph.strip()[:60]}…»"


def check_minutes(number, notebook):
    """Los minutos declarados son los que salen: leer más los ejercicios, redondeados a cinco."""
    whole = "\n".join(prose(notebook))
    total = read_words(notebook)[0] / READING + sum(map(int, EXERCISE_MINUTES.findall(whole)))
    declared = DECLARED.search(whole)
    if not declared or abs(int(declared[1]) - total) > 4:
        yield f"declara {declared and declared[1]} minutos de lectura y ejercicios y salen {total:.0f}"
    elif not re.search(rf"^\| {number} \|.*\| {declared[1]} min \|", README.read_text("utf-8"), re.MULTILINE):
        yield f"el README no dice sus {declared[1]} minutos"


def check_use(number, notebook):
    """Lo que escribe el lector es lo que usa la lección: `bpe = check("03-bpe", my_bpe)`, y después `bpe`."""
    code = contract.code_cells(notebook)
    for place, cell in enumerate(code):
        name = contract.tag_of(cell, "exercise")
        if not name or not re.search(r"^def |^class ", cell.source, re.MULTILINE):
            continue
        mine = ast.parse(cell.source).body
        written = [node.name for node in mine if isinstance(node, ast.FunctionDef | ast.ClassDef)][-1]
        form = re.fullmatch(rf'(\w+) = check\("{name}", {written}\)', code[place + 1].source.strip())
        if not form or form[1] == written:
            yield f'la comprobación de «{name}» debe ser: otro_nombre = check("{name}", {written})'
        elif not any(form[1] in loaded(later) for later in code[place + 2 :]):
            yield f"nadie usa «{form[1]}», lo que se escribe en «{name}»"
        if not checking.catalogue(number)[name].goes_on:
            yield f"«{name}» pide una función y su catálogo no dice goes_on=True"


def loaded(cell):
    """Los nombres que lee una celda de código que no es un ejercicio."""
    if contract.tag_of(cell, "exercise"):
        return set()
    nodes = ast.walk(ast.parse(cell.source))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def check_folds(number, notebook):
    """Lo que contesta a una predicción o a una apuesta se guarda plegado."""
    asked = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            asked = "**Antes de ejecutar" in cell.source
            continue
        bets = "observe" in loaded(cell)
        if asked and lessons.FOLDED not in lessons.tags(cell) and not bets:
            yield f"la celda {cell.id} contesta a una predicción: etiqueta {lessons.FOLDED}"
        asked = bets  # tras la apuesta, la celda que enseña el resultado


def check_sections(number, notebook):
    titles = re.findall(r"^## +(.+?) *$", "\n".join(prose(notebook)), re.MULTILINE)
    places = [
        next((place for place, title in enumerate(titles) if title.startswith(name)), None)
        for name in ("Remate", "Preguntas de cierre", "Ideas clave", "Para seguir")
    ]
    if None in places or places != sorted(places):
        yield "faltan, en este orden, «Remate: …», «Preguntas de cierre», «Ideas clave» y «Para seguir»"
    elif any(
        not title.startswith(("Con el GPT-1", "Aquí nos apartamos"))
        for title in titles[places[0] + 1 : places[1]]
    ):
        yield "entre el remate y las preguntas de cierre solo caben el GPT-1 de verdad y en qué nos apartamos"
    if not any(title.startswith("Con el GPT-1 de verdad") for title in titles):
        yield "no tiene su sección «Con el GPT-1 de verdad»"
    if len(LINK_TO_GLOSSARY.findall("\n".join(prose(notebook)))) < 3:
        yield "enlaza menos de tres términos al glosario"


def check_explorer(number, notebook):
    if len(explorers(notebook)) != 1:
        yield f"tiene {len(explorers(notebook))} exploradores y debe ser uno"


def explorers(notebook):
    """El HTML de los exploradores que guarda una lección."""
    pages = [
        output.data["text/html"]
        for cell in contract.code_cells(notebook)
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    return [page for page in pages if 'class="explorador-gpt1"' in page]


def check_way(number, notebook):
    """La última línea lleva a la lección anterior, al índice y a la siguiente."""
    last = notebook.cells[-1].source.strip().splitlines()[-1]
    near = {f"{int(number) + step:02d}" for step in (-1, 1)}
    names = {path.stem[:2]: path.name for path in lessons.find()}
    wanted = [names[one] for one in sorted(near & set(names))]
    if wanted != re.findall(r"\((?:https?://[^)]*/)?(\d\d_\w+\.ipynb)\)", last) or "README.md" not in last:
        yield f"no acaba con «← anterior · índice · siguiente →»: {wanted} y README.md"


def check_quiz(number, notebook):
    """La opción buena no se reconoce por larga, y la mitad de las preguntas no se contestan de memoria."""
    bank = {name: one for name, one in quiz.bank().items() if name.startswith(f"{number}-")}
    for name, one in bank.items():
        sizes = sorted(len(option["text"]) for option in one["options"].values())
        if sizes[-1] > max(SHORT_OPTION, LONGEST * sizes[0]):
            yield f"las opciones de la pregunta {name} van de {sizes[0]} a {sizes[-1]} letras"
    longest = [
        max(one["options"], key=lambda letter: len(one["options"][letter]["text"])) == one["right"]
        for one in bank.values()
    ]
    if sum(longest) > len(bank) / 2:
        yield f"en {sum(longest)} de {len(bank)} preguntas la buena es la más larga"
    moved = sum(one.get("transfer", False) for one in bank.values())
    if moved < len(bank) / 2:
        yield f"solo {moved} de {len(bank)} preguntas son de traslado («transfer»: true)"
