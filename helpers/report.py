"""El informe del entorno, `python -m helpers.environment`: qué versiones hay, qué falta y qué modelo se usaría."""

import importlib.metadata
import importlib.util
import os
import platform
import sys

from helpers import environment
from helpers.terminal import Parser, command

# Paquete → lección donde hace falta por primera vez.
PACKAGES = {
    "torch": "00",
    "transformers": "00",
    "ftfy": "00",
    "spacy": "00",
    "tokenizers": "00",
    "matplotlib": "00",
    "datasets": "06",
    "scipy": "06",
    "scikit-learn": "06",
    "accelerate": "06",
    "jupyterlab": "00",
}
NOT_ON_COLAB = ("jupyterlab",)  # allí el cuaderno lo abre Colab


def versions() -> dict[str, str | None]:
    """Versión instalada de cada paquete del curso (`None` si falta)."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def findings() -> list[tuple[bool, str]]:
    """El informe del entorno: una lista de (¿bien?, frase)."""
    python = sys.version_info[:2]
    lines = [
        ((3, 11) <= python <= (3, 13), f"Python {platform.python_version()} (se admite de 3.11 a 3.13)"),
        (True, f"Sistema: {platform.system()} {platform.machine()}, {os.cpu_count()} núcleos{_memory()}"),
    ]
    for name, version in versions().items():
        if environment.on_colab() and name in NOT_ON_COLAB:
            continue
        missing = f"{name}: hace falta para la lección {PACKAGES[name]}"
        lines.append((version is not None, f"{name} {version}" if version else missing))
    if all(importlib.util.find_spec(name) for name in ("torch", "transformers", "ftfy", "spacy")):
        import torch

        from helpers import models

        lines.append((True, f"Dispositivo: {environment.device()}; hilos de CPU: {torch.get_num_threads()}"))
        lines.append(models.found())
    return lines


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows no lo dice así
        return ""
    return f", {size / 2**30:.0f} GiB de memoria"


@command()
def main(arguments=None) -> int:
    """Imprime el informe; devuelve 0 si no falta nada y 1 si falta algo."""
    Parser(prog="python -m helpers.environment", description=__doc__).parse_args(arguments)
    lines = findings()
    for good, sentence in lines:
        print("[OK]   " if good else "[FALTA]", sentence)
    missing = sum(not good for good, _ in lines)
    if missing:
        print(f"\nFaltan {missing} cosas: el README dice cómo instalarlas.")
    return int(missing > 0)


if __name__ == "__main__":
    raise SystemExit(main())
