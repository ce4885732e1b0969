"""Las herramientas de `make`: qué Python eligen, cuándo no hacen nada y qué dicen cuando algo falta."""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy

import contract
import nbformat
import PIL.Image
import pytest
import sample_lesson
from conftest import need_browser

from tools import browser, lessons, run_lessons, setup_cell, setup_colab, setup_env, stamp_address
from tools.check_semicolons import ends_in_semicolon

ROOT = lessons.ROOT
POSIX = pytest.mark.skipif(os.name == "nt", reason="usa órdenes de POSIX")


# --- setup_env: qué Python -----------------------------------------------------------------------------------


def python(version, venv=True):
    return {"version": version, "executable": f"/python{version}", "venv": venv}


@pytest.fixture
def pythons(monkeypatch):
    """Un sistema de mentira: qué responde cada orden; las que no están no existen o fallan al arrancar."""
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setenv("PYENV_ROOT", os.devnull)

    def install(**answers):
        found = {name.replace("_", "."): answer for name, answer in answers.items()}
        monkeypatch.setattr(setup_env, "probe", lambda command: found.get(command[0]))

    return install


def test_prefers_python_3_11(pythons):
    pythons(python3_12=python("3.12.4"), python3_11=python("3.11.9"), python3=python("3.13.1"))
    assert setup_env.choose_python()["version"] == "3.11.9"


def test_takes_3_12_before_3_13_and_skips_broken_shims(pythons):
    pythons(python3_11=None, python3_12=python("3.12.4"), python3=python("3.13.1"))
    assert setup_env.choose_python()["version"] == "3.12.4"


def test_plain_python3_may_be_the_good_one(pythons):
    pythons(python3=python("3.11.2"), python=python("3.10.1"))
    assert setup_env.choose_python()["version"] == "3.11.2"


def test_a_python_without_venv_is_the_last_resort(pythons):
    pythons(python3_11=python("3.11.2", venv=False), python3_13=python("3.13.0"))
    assert setup_env.choose_python()["version"] == "3.13.0"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, "No encuentro Python 3.11, 3.12 ni 3.13: instala"),
        ({"python3": python("3.10.2"), "python": python("3.14.0")}, "(solo veo 3.10.2, 3.14.0)"),
        ({"python3": python("3.12.4", venv=False)}, "sudo apt install python3.12-venv"),
    ],
)
def test_without_a_valid_python_says_what_to_install(pythons, answers, expected):
    pythons(**answers)
    with pytest.raises(setup_env.SetupError) as problem:
        setup_env.choose_python()
    assert expected in str(problem.value)


def test_probe_survives_what_is_not_a_python(tmp_path):
    assert setup_env.probe([str(tmp_path / "nada")]) is None
    assert setup_env.probe([sys.executable])["version"].startswith("3.")


@POSIX
def test_probe_survives_a_shim_that_fails(tmp_path):
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.11: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert setup_env.probe([str(shim)]) is None


# --- setup_env: instalar una vez -----------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path, monkeypatch):
    """Una carpeta vacía donde «instalar» es apuntarlo en una lista."""
    for name in setup_env.LOCKS.values():
        shutil.copy(ROOT / name, tmp_path)
    venv = tmp_path / ".venv"
    places = {"ROOT": tmp_path, "VENV": venv, "STAMP": venv / "sello", "UNFINISHED": venv / "a-medias"}
    for name, path in {**places, "LOG": tmp_path / "instalacion.log", "VENV_PYTHON": venv / "python"}.items():
        monkeypatch.setattr(setup_env, name, path)
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setenv("CURSO_ESPACIO_GB", "0")
    monkeypatch.setattr(setup_env, "choose_python", lambda: python("3.11.9"))
    monkeypatch.setattr(setup_env, "probe", lambda command: python("3.11.9"))
    done = []

    def create_venv(chosen):
        done.append("crear")
        venv.mkdir()
        (venv / "python").touch()
        (venv / "pyvenv.cfg").write_text(chosen["version"])

    monkeypatch.setattr(setup_env, "create_venv", create_venv)
    monkeypatch.setattr(setup_env, "install_packages", lambda group: done.append(f"instalar {group}"))
    return done


def test_second_time_does_nothing(sandbox):
    setup_env.prepare()
    setup_env.prepare()
    assert sandbox == ["crear", "instalar curso"]


def test_tools_go_on_top_of_the_course_and_are_enough_for_it(sandbox):
    setup_env.prepare()
    for group in ("dev", "curso", "dev"):
        setup_env.prepare(group)
    assert sandbox == ["crear", "instalar curso", "instalar dev"]


@pytest.mark.parametrize(
    ("group", "times"), [("curso", {"curso": 2, "dev": 2}), ("dev", {"curso": 1, "dev": 2})]
)
def test_new_requirements_are_installed_on_top(sandbox, group, times):
    """Cambiar un candado solo alcanza a quien lo instala: el del curso, a todos."""
    path = setup_env.ROOT / setup_env.LOCKS[group]
    for installed in times:
        sandbox.clear()
        setup_env.prepare(installed)
        path.write_text("# nuevo\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
        setup_env.prepare(installed)
        assert sandbox.count(f"instalar {installed}") == times[installed]


def test_interrupted_install_starts_again(sandbox, monkeypatch):
    def interrupt(group):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(setup_env, "install_packages", interrupt)
        with pytest.raises(KeyboardInterrupt):
            setup_env.prepare()
    setup_env.prepare()
    assert sandbox == ["crear", "crear", "instalar curso"]


def test_failed_install_leaves_nothing_half_done(sandbox, monkeypatch):
    def fail(group):
        raise setup_env.SetupError("No hay conexión.")

    monkeypatch.setattr(setup_env, "install_packages", fail)
    with pytest.raises(setup_env.SetupError):
        setup_env.prepare()
    assert not setup_env.VENV.exists()


def test_venv_made_by_hand_is_kept(sandbox):
    setup_env.create_venv(python("3.11.9"))
    (setup_env.VENV / "mio").touch()
    setup_env.prepare()
    assert sandbox == ["crear", "instalar curso"]
    assert (setup_env.VENV / "mio").exists()


def test_another_python_rebuilds(sandbox, monkeypatch):
    setup_env.prepare()
    monkeypatch.setenv("PYTHON", "python3.12")
    monkeypatch.setattr(setup_env, "choose_python", lambda: python("3.12.4"))
    setup_env.prepare()
    assert sandbox == ["crear", "instalar curso"] * 2


# --- setup_env: lo que dice cuando falla ---------------------------------------------------------------------


def run_setup(folder, **env):
    """`python -m tools.setup_env` de verdad, en una copia con lo justo."""
    shutil.copytree(ROOT / "tools", folder / "tools", dirs_exist_ok=True)
    for name in setup_env.LOCKS.values():
        shutil.copy(ROOT / name, folder)
    base = {"PATH": os.defpath, "PIP_CONFIG_FILE": os.devnull, "HOME": str(folder), "TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "tools.setup_env"], cwd=folder, env=base | env, capture_output=True, text=True
    )


def is_one_sentence(text, beginning):
    return text.startswith(beginning) and text.endswith(".\n") and text.count("\n") == 1


def test_missing_python(tmp_path):
    done = run_setup(tmp_path, PYTHON=str(tmp_path / "nada"))
    assert done.returncode == 1
    assert is_one_sentence(done.stderr, "PYTHON="), done.stderr


@POSIX
def test_no_python_at_all(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    make = shutil.which("make")
    if make is None:
        pytest.skip("no hay make")
    done = subprocess.run(
        [make, "curso"], cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert is_one_sentence(done.stderr.partition("make:")[0], "No encuentro Python: instala")


def test_full_disk(tmp_path):
    done = run_setup(tmp_path, PYTHON=sys.executable, CURSO_ESPACIO_GB="1000000")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr, "No queda sitio en el disco: "), done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_network(tmp_path):
    closed = "http://127.0.0.1:9/simple"  # nadie escucha ahí
    done = run_setup(tmp_path, PYTHON=sys.executable, PIP_INDEX_URL=closed, CURSO_ESPACIO_GB="0.1")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr, "No hay conexión con el índice de paquetes"), done.stderr
    assert "(detalle: instalacion.log)" in done.stderr
    assert closed in (tmp_path / "instalacion.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("failed to copy: No space left on device (os error 28)", "El disco se ha llenado"),
        ("OSError: [Errno 28] No space left on device", "El disco se ha llenado"),
        ("error: client error (Connect)\n dns error", "No hay conexión"),
        ("NewConnectionError: Failed to establish a new connection", "No hay conexión"),
        ("ERROR: No matching distribution found for torch==2.13.0", "La instalación ha fallado"),
    ],
)
def test_installers_errors_are_explained(said, expected):
    assert setup_env.explain(said).startswith(expected)


@pytest.mark.parametrize(
    ("uv_says", "installers"),
    [(None, ["uv"]), ("La instalación ha fallado", ["uv", "pip"]), (setup_env.NO_NETWORK, ["uv"])],
)
def test_pip_takes_over_when_uv_itself_fails(monkeypatch, uv_says, installers):
    used = []

    def install_with(command, group, env, torch=""):
        used.append("uv" if command[0] == "/uv" else "pip")
        return uv_says if used == ["uv"] else None

    monkeypatch.setattr(setup_env, "find_uv", lambda env: "/uv")
    monkeypatch.setattr(setup_env, "install_with", install_with)
    with contextlib.suppress(setup_env.SetupError):
        setup_env.install_packages("curso")
    assert used == installers


def test_uv_learns_what_pip_knows(monkeypatch):
    for name in ("UV_FIND_LINKS", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_FIND_LINKS", "/ruedas /otras")
    monkeypatch.setenv("PIP_INDEX_URL", "https://espejo.example.org/simple")
    env = setup_env.installer_environment()
    assert env["UV_FIND_LINKS"] == "/ruedas,/otras"
    assert env["UV_DEFAULT_INDEX"] == "https://espejo.example.org/simple"
    assert "PYTHONPATH" not in env


def test_colab_environment_is_made_once_and_ftfy_stays_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(setup_colab, "VENV", tmp_path)
    monkeypatch.setattr(setup_colab, "STAMP", tmp_path / "sello")
    monkeypatch.setattr(setup_env, "find_uv", lambda env: "uv")
    monkeypatch.setattr(setup_env, "installer_environment", dict)
    monkeypatch.setattr(setup_env, "choose_python", lambda: python("3.13.0"))
    orders = []

    def run(command, env):
        tmp_path.mkdir(exist_ok=True)
        orders.append(command)
        return True, ""

    monkeypatch.setattr(setup_env, "run", run)
    setup_colab.prepare()
    setup_colab.prepare()
    create, install, apart = orders
    assert create[-2:] == ["/python3.13.0", tmp_path]
    assert install[-4:] == ["-r", setup_colab.REQUIREMENTS, "--torch-backend", "cpu"]
    assert apart[-3:] == ["--target", setup_colab.FTFY, "ftfy"]


# --- browser ---------------------------------------------------------------------------------------------------


@pytest.fixture
def no_browser(monkeypatch, tmp_path):
    """Un sistema sin navegador, sin apt-get y con una carpeta vacía en el PATH, que se devuelve."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "FILES", ())
    return tmp_path


@POSIX
def test_takes_the_browser_of_the_system(no_browser, monkeypatch):
    assert browser.find() is None
    for name in ("microsoft-edge", "chromium"):
        (no_browser / name).write_text("#!/bin/sh\n")
        (no_browser / name).chmod(0o755)
    assert browser.find() == str(no_browser / "chromium")
    monkeypatch.setenv("CHROMIUM", "/otro")
    assert browser.find() == "/otro"


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_a_browser_says_how_to_get_one_and_ci_fails(no_browser, monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="No encuentro Chrome, Edge ni Chromium: instala uno"):
        need_browser()
    with pytest.raises(SystemExit, match="No encuentro Chrome, Edge ni Chromium: instala uno"):
        browser.main()


def test_the_sandbox_goes_only_for_root(monkeypatch):
    for root in (True, False):
        monkeypatch.setattr(browser, "is_root", lambda root=root: root)
        assert ("--no-sandbox" in browser.flags()) is root


# --- stamp_address -------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """Un curso con su README, una lección y una página que se enlazan, sin sellar."""
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "notebooks").mkdir()
    lesson, page = sample_lesson.build(), nbformat.v4.new_notebook()
    lesson.cells[
        1
    ].source += "\n\nEstá en el [glosario](glosario.ipynb) y [fuera](https://example.org/a.ipynb)."
    lesson.cells[1].source += " [VS Code](consulta.md#vs-code) · [Índice](../README.md#las-lecciones)"
    page.cells.append(nbformat.v4.new_markdown_cell("# Glosario\n\n[Suma](00_muestra.ipynb#cell-id=suma)"))
    lessons.write(tmp_path / "notebooks" / "00_muestra.ipynb", lesson)
    lessons.write(tmp_path / "notebooks" / "glosario.ipynb", page)
    stamp_address.stamp("", tmp_path)
    return tmp_path


def contents(course):
    return {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}


def test_stamping_github_adds_badges_and_can_be_undone(course):
    unstamped = contents(course)
    assert len(stamp_address.stamp("https://github.com/ana/curso.git/", course)) == 4
    notebook = lessons.read(course / "notebooks" / "00_muestra.ipynb")
    notebooks = "https://colab.research.google.com/github/ana/curso/blob/main/notebooks"
    link = f"{notebooks}/00_muestra.ipynb"
    image = "https://raw.githubusercontent.com/ana/curso/main/data/abrir_en_colab.svg"
    assert notebook.cells[0].source.splitlines()[2] == f"[![Abrir en Colab]({image})]({link})"
    assert f"[glosario]({notebooks}/glosario.ipynb) y [fuera](https://example.org/a.ipynb)." in str(notebook)
    github = "https://github.com/ana/curso/blob/main"  # Colab no abre lo que no es un cuaderno
    assert f"[VS Code]({github}/notebooks/consulta.md#vs-code)" in str(notebook)
    assert f"[Índice]({github}/README.md#las-lecciones)" in str(notebook)
    page = lessons.read(course / "notebooks" / "glosario.ipynb")
    assert page.cells[0].source == f"# Glosario\n\n[Suma]({link}#scrollTo=suma)"
    assert notebook.cells[3].source == setup_cell.render("https://github.com/ana/curso")
    readme = (course / "README.md").read_text(encoding="utf-8")
    assert "git clone --depth 1 https://github.com/ana/curso\ncd curso\n" in readme and link in readme
    assert stamp_address.current(course) == "https://github.com/ana/curso"
    assert stamp_address.stamp("https://github.com/ana/curso", course) == []
    assert len(stamp_address.stamp("https://github.com/otra/copia", course)) == 4
    assert "ana/curso" not in (course / "notebooks" / "glosario.ipynb").read_text(encoding="utf-8")
    stamp_address.stamp("", course)
    assert contents(course) == unstamped


def test_the_real_course_keeps_its_contract_stamped_and_unstamped(course):
    for path in lessons.NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, course / "notebooks")
    (course / "notebooks" / "00_muestra.ipynb").unlink()
    stamp_address.stamp("", course)
    unstamped = contents(course)
    repo = "https://github.com/ana/curso"
    stamp_address.stamp(repo, course)
    relative = re.compile(r"\]\((?!https?://|#)[^)]*\)")
    for path in sorted((course / "notebooks").glob("*.ipynb")):
        prose = [cell.source for cell in lessons.read(path).cells if cell.cell_type == "markdown"]
        assert relative.findall("\n".join(prose)) == [], path.name
        if path in lessons.find(folder=path.parent):
            assert list(contract.check_title(path, lessons.read(path), repo)) == []
    stamp_address.stamp("", course)
    assert contents(course) == unstamped


def test_other_servers_get_no_badge(course):
    stamp_address.stamp("https://git.example.org/grupo/sub/curso", course)
    notebook = lessons.read(course / "notebooks" / "00_muestra.ipynb")
    assert "Colab" not in notebook.cells[0].source and "[glosario](glosario.ipynb)" in str(notebook)
    assert '"https://git.example.org/grupo/sub/curso"' in notebook.cells[3].source
    assert "colab.research" not in (course / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "repo", ["github.com/a/b", "http://github.com/a/b", "https://github.com", 'https://x.org/"; rm', "ñ"]
)
def test_wrong_addresses_are_refused(course, repo):
    before = contents(course)
    with pytest.raises(SystemExit, match="no es la dirección https"):
        stamp_address.stamp(repo, course)
    assert contents(course) == before


# --- lecciones y cuadernos -----------------------------------------------------------------------------------


def test_find_picks_lessons_by_number_or_name(tmp_path):
    for name in ("00_a", "03_b", "10_c", "notas"):
        (tmp_path / f"{name}.ipynb").touch()
    picked = lambda selection: [path.stem for path in lessons.find(selection, tmp_path)]  # noqa: E731
    assert picked("") == ["00_a", "03_b", "10_c"]
    assert picked("3") == picked("03_b") == ["03_b"]
    assert picked("10,00") == ["00_a", "10_c"]
    with pytest.raises(SystemExit, match="No hay ninguna lección «7».*son 00, 03, 10"):
        lessons.find("7", tmp_path)


def test_normalise_drops_what_is_not_the_lesson(tmp_path):
    notebook = sample_lesson.build()
    notebook.metadata.update(widgets={}, colab={"provenance": []}, accelerator="GPU")
    notebook.metadata.update(language_info={"name": "python", "version": "3.11.7"})
    notebook.cells[5].metadata.update(
        execution={"iopub.execute_input": "2026-01-01"}, collapsed=True, tags=["a"]
    )
    identifiers = [cell.id for cell in notebook.cells]
    path = tmp_path / "00_muestra.ipynb"
    assert lessons.write(path, notebook) is True
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["metadata"] == lessons.METADATA | {"accelerator": "GPU"}
    assert "version" not in saved["metadata"]["language_info"]
    assert saved["cells"][5]["metadata"] == {"tags": ["a"]}
    assert [cell["id"] for cell in saved["cells"]] == identifiers
    assert lessons.write(path, lessons.read(path)) is False
    nbformat.validate(lessons.read(path))


def test_what_gives_an_answer_away_is_saved_folded():
    """La respuesta a una predicción, plegada para JupyterLab y para Colab; y la solución no se abre sin querer."""
    notebook = sample_lesson.build()
    notebook.cells[5].metadata = {"tags": [lessons.FOLDED]}
    notebook.cells.append(
        nbformat.v4.new_markdown_cell("<details>\n<summary>Solución</summary>\n\n1\n\n</details>")
    )
    cells = lessons.normalise(notebook).cells
    assert cells[5].metadata == {
        "collapsed": True,
        "jupyter": {"outputs_hidden": True},
        "tags": ["hide-output"],
    }
    assert cells[-1].metadata == {"editable": False}
    assert "editable" not in cells[0].metadata and "collapsed" not in cells[4].metadata
    shown = json.loads(
        (lessons.ROOT / "tools" / "lab_settings" / "overrides.json").read_text(encoding="utf-8")
    )
    assert shown["@jupyterlab/notebook-extension:tracker"] == {"showEditorForReadOnlyMarkdown": False}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x;", True),
        ("x; # y", True),
        ("x\n", False),
        ('print("a;")', False),
        ("a; b", False),
        ("!ls;", True),
        ("", False),
    ],
)
def test_final_semicolon(source, expected):
    assert ends_in_semicolon(source) is expected


def lesson_with(tags, text="suma 1,000\n", shade=100, size=4):
    """Un cuaderno de una celda que imprime un texto y enseña una figura."""
    picture = io.BytesIO()
    PIL.Image.new("RGB", (size, size), (shade, 100, 100)).save(picture, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
    shown = [nbformat.v4.new_output("stream", text=text)]
    shown += [nbformat.v4.new_output("display_data", data={"text/html": f'<img alt="x" src="{source}">'})]
    cell = nbformat.v4.new_code_cell("a", outputs=shown, id="a", metadata={"tags": list(tags)})
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Título", id="t"), cell])


@pytest.mark.parametrize(
    ("tags", "before", "now", "kept"),
    [
        ((), {}, {}, True),
        ((), {}, {"shade": 104}, True),  # la misma figura, con otro número de hilos
        ((), {}, {"shade": 140}, False),
        ((), {}, {"size": 5}, False),
        ((), {}, {"text": "suma 1,001\n"}, False),
        (("nbval-ignore-output",), {}, {"text": "suma   12,5\n", "shade": 0}, True),
        (("nbval-ignore-output",), {}, {"text": "resta 1,000\n"}, False),
    ],
)
def test_only_what_a_lesson_says_changes_its_outputs(tags, before, now, kept):
    saved, run = lesson_with(tags, **before), lesson_with(tags, **now)
    run.cells[1].outputs = [
        dict(reversed(output.items())) for output in run.cells[1].outputs
    ]  # el orden no dice nada
    expected = deepcopy(saved if kept else run)
    run_lessons.keep_saved_outputs(saved, run)
    assert run == expected


def test_one_real_change_renews_every_output():
    """Con otros pesos, la cifra de una celda que nbval no mira es tan nueva como las demás."""
    tags = ("nbval-ignore-output",)
    saved, run = lesson_with(tags), lesson_with(tags, text="suma 2,000\n")
    run.cells.append(nbformat.v4.new_code_cell("b", outputs=[nbformat.v4.new_output("stream", text="nuevo")]))
    saved.cells.append(nbformat.v4.new_code_cell("b", outputs=[]))
    expected = deepcopy(run)
    run_lessons.keep_saved_outputs(saved, run)
    assert run == expected
