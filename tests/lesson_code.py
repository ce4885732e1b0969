"""Las definiciones de una lección, sacadas de su cuaderno (su única copia) sin ejecutar nada más."""

import ast

import contract

from tools import lessons


def definitions(lesson: str, *names: str, **known) -> dict:
    """Lo que definen con esos nombres las celdas de `lesson`, y sus `import`, en su orden, sobre `known`."""
    return _run(lesson, _cells(lesson), names, known)


def solutions(lesson: str, *names: str, **known) -> dict:
    """Lo mismo, con lo que definen las soluciones plegadas de sus ejercicios."""
    notebook = lessons.read(lessons.find(lesson)[0])
    folded = [contract.solution(cell.source) for cell in notebook.cells if cell.cell_type == "markdown"]
    return _run(lesson, [*_cells(lesson, only_imports=True), *filter(None, folded)], names, known)


def _cells(lesson: str, only_imports: bool = False) -> list[str]:
    notebook = lessons.read(lessons.find(lesson)[0])
    sources = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and "setup" not in lessons.tags(cell)
    ]
    if not only_imports:
        return sources
    trees = (
        ast.Module([node for node in ast.parse(source).body if _is_import(node)], []) for source in sources
    )
    return [ast.unparse(tree) for tree in trees]


def _run(lesson: str, sources: list[str], names, known: dict) -> dict:
    space = dict(known)
    for source in sources:
        kept = [
            node
            for node in ast.parse(source).body
            if _is_import(node) or getattr(node, "name", None) in names
        ]
        exec(compile(ast.Module(kept, []), f"lección {lesson}", "exec"), space)
    missing = set(names) - set(space)
    assert not missing, f"la lección {lesson} ya no define {sorted(missing)}"
    return space


def _is_import(node) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)
