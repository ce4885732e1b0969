"""La celda de puesta en marcha: una sola plantilla (`setup_cell.txt`) para todas las lecciones."""

from pathlib import Path

TAG = "setup"
TEMPLATE = Path(__file__).with_name("setup_cell.txt").read_text(encoding="utf-8").rstrip("\n")
_UNSTAMPED = '"CURSO_REPO", ""'


def render(repo=""):
    """La celda con la dirección del repositorio; sin ella, en Colab pide `CURSO_REPO`."""
    assert TEMPLATE.count(_UNSTAMPED) == 1
    return TEMPLATE.replace(_UNSTAMPED, f'"CURSO_REPO", "{repo}"')
