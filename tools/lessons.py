"""Las lecciones como archivos: encontrarlas, leerlas y guardarlas siempre con la misma forma."""

import os
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

# Lo que se conserva de cada cuaderno; el resto (versiones, horas, widgets) cambia solo y ensucia los diffs.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
KEPT_METADATA = ("accelerator",)  # la GPU que se le pide a Colab: {"accelerator": "GPU"}
CELL_METADATA = ("alt", "tags")
# La respuesta a una predicción o a una apuesta se guarda plegada y se abre al ejecutar la celda. Es la etiqueta que
# conoce la página publicada (myst-nb); JupyterLab y Colab miran cada uno la suya, y GitHub ninguna.
FOLDED = "hide-output"
FOLDED_METADATA = {"collapsed": True, "jupyter": {"outputs_hidden": True}}


def find(selection="", folder=NOTEBOOKS):
    """Las lecciones en orden; `selection` las elige por número o por nombre: «03», «00 05», «03_tokens»."""
    every = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    wanted = selection.replace(",", " ").split()
    for name in wanted:
        if not any(path.name.startswith(name.zfill(2)) for path in every):
            raise SystemExit(
                f"No hay ninguna lección «{name}» en {folder.name}/: las que hay son {names(every)}."
            )
    return [path for path in every if not wanted or any(path.name.startswith(n.zfill(2)) for n in wanted)]


def names(paths):
    return ", ".join(path.stem[:2] for path in paths) or "ninguna"


def read(path):
    return nbformat.read(path, as_version=4)


def write(path, notebook):
    """Guarda el cuaderno normalizado, y solo si cambia algo; devuelve si ha cambiado."""
    text = nbformat.writes(normalise(notebook)) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def normalise(notebook):
    """Deja en el cuaderno solo lo que depende de la lección, no de la máquina ni del día."""
    kept = {key: notebook.metadata[key] for key in KEPT_METADATA if key in notebook.metadata}
    notebook.metadata = nbformat.from_dict(METADATA | kept)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
        if FOLDED in kept.get("tags", []):
            kept |= FOLDED_METADATA
        if cell.cell_type == "markdown" and "<summary>Solución" in cell.source:
            kept["editable"] = False  # un doble clic en una pista enseñaría el texto de la solución
        cell.metadata = nbformat.from_dict(kept)
    return notebook


def tags(cell):
    return cell.metadata.get("tags", [])


NOT_FOR_LESSONS = ("CURSO_REPO", "COLAB_RELEASE_TAG", "OPENAI_GPT_TOKENIZER", "PYTHONSTARTUP", "GPT1_MODELO")


def offline_environment(scratch):
    """Variables con las que se ejecuta una lección: en CPU, sin red y sin nada del usuario.

    Con la caché del Hub vacía, `models.load()` elige el modelo incluido, como en un ordenador recién estrenado.
    """
    env = {name: value for name, value in os.environ.items() if name not in NOT_FOR_LESSONS}
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "HF_HOME")
    env.update({variable: str(Path(scratch) / variable.lower()) for variable in folders})
    env.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", PYTHONUTF8="1", TOKENIZERS_PARALLELISM="false")
    env.update(CURSO_PROGRESO=str(Path(scratch) / "progreso.json"))
    return env
