"""La copia de quien sigue el curso: se hace sola, git no la ve y una edición nueva no le quita nada."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from project_copy import copy_project, snapshot

from tools import lessons, my_copy
from tools.run_lessons import execute

NAME = "03_tokens"


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{place}") for place, source in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=cells)


def publish(root, *sources, name=NAME):
    """Publica una edición de la lección."""
    (root / "notebooks").mkdir(exist_ok=True)
    lessons.write(root / "notebooks" / f"{name}.ipynb", notebook(*sources))


@pytest.fixture
def course(tmp_path):
    """Un curso con una lección y la copia de su lector, recién hecha."""
    publish(tmp_path, "1 + 1", "# tu respuesta")
    my_copy.refresh(tmp_path)
    return tmp_path


def mine(course, suffix=""):
    return course / my_copy.FOLDER / f"{NAME}{suffix}.ipynb"


def code(path):
    return [cell.source for cell in lessons.read(path).cells]


def write(path, *sources):
    """Lo que hace quien escribe en su copia y guarda: los metadatos siguen ahí, como en JupyterLab."""
    edited = lessons.read(path)
    edited.cells = notebook(*sources).cells
    nbformat.write(edited, path)


def test_the_first_time_everything_is_copied_and_said_in_one_sentence(tmp_path):
    publish(tmp_path, "1")
    publish(tmp_path, "2", name="glosario")
    (said,) = my_copy.refresh(tmp_path)
    assert said == "Tus cuadernos están en mi_curso/: son tuyos y una edición nueva no los pisará."
    assert {path.stem for path in (tmp_path / my_copy.FOLDER).iterdir()} == {NAME, "glosario"}
    assert my_copy.refresh(tmp_path) == []
    nbformat.validate(lessons.read(mine(tmp_path)))


def test_the_published_lessons_are_left_alone(course):
    before = snapshot(course / "notebooks")
    publish(course, "2 + 2", "# tu respuesta")
    after = snapshot(course / "notebooks")
    my_copy.refresh(course)
    assert before != after == snapshot(course / "notebooks")


def test_what_was_only_run_is_refreshed(course):
    """Ejecutar cambia salidas, cuentas, metadatos y deja una celda vacía al final: nada de eso es escribir."""
    run = execute(lessons.read(mine(course)), course)
    run.metadata.kernelspec.display_name = "Python 3 (ipykernel)"
    run.cells.append(nbformat.v4.new_code_cell())
    nbformat.write(run, mine(course))
    assert lessons.read(mine(course)).cells[0].outputs
    assert my_copy.refresh(course) == []  # y sin edición nueva, tampoco se toca
    assert lessons.read(mine(course)).cells[0].outputs
    publish(course, "2 + 2", "# tu respuesta")
    assert my_copy.refresh(course) == [f"{NAME}.ipynb: puesta al día."]
    assert code(mine(course)) == ["2 + 2", "# tu respuesta"]


def test_what_was_written_stays_and_the_new_one_goes_beside(course):
    write(mine(course), "1 + 1", "42")
    written = mine(course).read_bytes()
    assert my_copy.refresh(course) == []
    publish(course, "2 + 2", "# tu respuesta")
    (said,) = my_copy.refresh(course)
    assert said.endswith(f"la edición nueva está al lado, en {NAME}.nuevo.ipynb.")
    assert my_copy.refresh(course) == []  # una vez basta
    assert code(mine(course, ".nuevo")) == ["2 + 2", "# tu respuesta"]
    publish(course, "3 + 3", "# tu respuesta")
    my_copy.refresh(course)
    assert code(mine(course, ".nuevo")) == ["3 + 3", "# tu respuesta"]  # la que no se ha tocado se sustituye
    write(mine(course, ".nuevo"), "3 + 3", "43")
    publish(course, "4 + 4", "# tu respuesta")
    my_copy.refresh(course)
    assert code(mine(course, ".nuevo")) == ["3 + 3", "43"]
    assert code(mine(course, ".nuevo-2")) == ["4 + 4", "# tu respuesta"]
    assert my_copy.refresh(course) == []
    assert mine(course).read_bytes() == written


def test_the_new_one_can_take_the_place_of_the_old(course):
    """La huella viaja dentro del cuaderno: cambiarle el nombre no la pierde, ni escribir después."""
    write(mine(course), "1 + 1", "42")
    publish(course, "2 + 2", "# tu respuesta")
    my_copy.refresh(course)
    mine(course, ".nuevo").replace(mine(course))
    assert my_copy.refresh(course) == []
    write(mine(course), "2 + 2", "42")
    assert my_copy.refresh(course) == []


def test_what_was_deleted_comes_back(course):
    mine(course).unlink()
    assert my_copy.refresh(course) == [f"{NAME}.ipynb: copiada."]


@pytest.mark.parametrize("content", ["{roto", '{"cells": [], "metadata": {}}'])
def test_what_cannot_be_read_or_has_no_mark_is_never_overwritten(course, content):
    mine(course).write_text(content, encoding="utf-8")
    my_copy.refresh(course)
    assert mine(course).read_text(encoding="utf-8") == content
    assert code(mine(course, ".nuevo")) == ["1 + 1", "# tu respuesta"]


def test_a_page_to_read_comes_along_and_is_always_the_last_one(tmp_path):
    publish(tmp_path, "1")
    page = tmp_path / "notebooks" / "consulta.md"
    page.write_text("# Consulta\n", encoding="utf-8")
    my_copy.refresh(tmp_path)
    copy = tmp_path / my_copy.FOLDER / "consulta.md"
    assert copy.read_bytes() == page.read_bytes() and my_copy.refresh(tmp_path) == []
    page.write_text("# Consulta, nueva\n", encoding="utf-8")
    assert my_copy.refresh(tmp_path) == ["consulta.md: puesta al día."]
    copy.unlink()
    assert my_copy.refresh(tmp_path) == ["consulta.md: copiada."]
    assert copy.read_bytes() == page.read_bytes()


def links(path):
    """Los enlaces de un cuaderno, o de una página, a archivos del curso."""
    if path.suffix == ".md":
        texts = [path.read_text(encoding="utf-8")]
    else:
        texts = [cell.source for cell in lessons.read(path).cells if cell.cell_type == "markdown"]
    found = re.findall(r"(?:\]\(|(?:href|src)=\")([^)#\s\"]+)", "\n".join(texts))
    return [link for link in found if not re.match(r"\w+:", link)]


def test_links_between_lessons_and_to_the_data_work_in_the_copy(tmp_path):
    project = copy_project(tmp_path / "curso")
    my_copy.refresh(project)
    folder = project / my_copy.FOLDER
    found = [(path.name, link) for path in sorted(folder.iterdir()) for link in links(path)]
    assert any(link.startswith("glosario") for _, link in found)
    assert ("00_empieza_aqui.ipynb", "consulta.md") in found and ("consulta.md", "../README.md") in found
    assert [pair for pair in found if not (folder / pair[1]).exists()] == []


# --- make actualizar ----------------------------------------------------------------------------------------------


def order(folder, *command):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def git(folder, *command):
    done = order(folder, "git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def published(tmp_path):
    """Un curso publicado con git, con lo justo para actualizarse."""
    if not shutil.which("git"):
        pytest.skip("no hay git")
    root = tmp_path / "publicado"
    (root / "tools").mkdir(parents=True)
    for name in ("__init__", "my_copy", "update"):
        shutil.copy(lessons.ROOT / "tools" / f"{name}.py", root / "tools")
    for name in (".gitignore", "requirements.lock"):
        shutil.copy(lessons.ROOT / name, root)
    publish(root, "1 + 1")
    git(root, "init", "-q", "-b", "main")
    commit(root)
    return root


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Edición")


@pytest.fixture
def clone(published, tmp_path):
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{published}", "clon")
    my_copy.refresh(tmp_path / "clon")
    return tmp_path / "clon"


def update(folder):
    return order(folder, sys.executable, "-m", "tools.update")


def test_a_clone_gets_the_new_edition_and_git_sees_nothing(published, clone):
    write(mine(clone), "42")
    assert git(clone, "status", "--porcelain") == ""
    publish(published, "2 + 2")
    commit(published)
    done = update(clone)
    assert done.stdout == (
        f"{NAME}.ipynb: como has escrito en la tuya, la edición nueva está al lado, en {NAME}.nuevo.ipynb.\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert update(clone).stdout == "mi_curso/ ya tiene la última edición.\n"
    assert git(clone, "status", "--porcelain") == ""


def test_new_versions_are_announced(published, clone):
    (published / "requirements.lock").write_text("torch==99\n", encoding="utf-8")
    commit(published)
    assert "Han cambiado las versiones que usa el curso: «make curso» las instalará" in update(clone).stdout


def test_changes_to_the_course_itself_are_named_and_kept(published, clone):
    publish(published, "2 + 2")
    commit(published)
    publish(clone, "mía")
    done = update(clone)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"has cambiado archivos del propio curso (notebooks/{NAME}.ipynb)" in done.stderr
    assert code(clone / "notebooks" / f"{NAME}.ipynb") == ["mía"]


def test_without_network_it_says_so(published, clone):
    published.rename(published.with_name("otro"))
    done = update(clone)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("git no ha podido traer la edición nueva (")


def test_a_zip_says_how_and_still_refreshes(published, clone, tmp_path):
    """Quien no tiene git: la edición nueva, en otra carpeta, con su `mi_curso/` de antes dentro."""
    write(mine(clone), "42")
    publish(published, "2 + 2")
    publish(published, "5", name="04_logits")
    new = tmp_path / "nuevo"
    shutil.copytree(published, new, ignore=shutil.ignore_patterns(".git"))
    shutil.copytree(clone / my_copy.FOLDER, new / my_copy.FOLDER)
    done = update(new)
    assert done.returncode == 0
    said = done.stdout.splitlines()
    assert said[0].startswith("Esta carpeta no es un clon de git: descarga el .zip nuevo")
    assert said[1].endswith(f"en {NAME}.nuevo.ipynb.") and said[2:] == ["04_logits.ipynb: copiada."]
    assert code(mine(new)) == ["42"]
