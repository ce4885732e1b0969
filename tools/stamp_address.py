"""Escribe la dirección pública del curso donde hace falta: `make direccion REPO=https://…` (vacía, la quita).

La dirección vive en `[tool.curso] repo` de pyproject.toml; de ahí salen la celda de puesta en marcha y la insignia de
cada lección, los enlaces de un cuaderno a otro y el recuadro del README. Insignias y enlaces absolutos solo los hay
para repositorios de GitHub, que es de donde Colab sabe abrir un cuaderno, y los necesita: allí no llegan ni las
imágenes ni los cuadernos vecinos.
"""

import re
import sys
import tomllib

from tools import lessons, setup_cell

ROOT = lessons.ROOT
BRANCH = "main"
BADGE = re.compile(r"\n*\[!\[Abrir en Colab\]\([^)]*\)\]\([^)]*\)")
# Un enlace a otro cuaderno, relativo o ya sellado, y a qué celda; Colab y JupyterLab lo dicen cada uno a su manera.
SIBLING = re.compile(
    r"\]\((?:https://colab\.research\.google\.com/github/[^/()]+/[^/()]+/blob/main/notebooks/)?"
    r"((?:\d\d_\w+|glosario|afirmaciones)\.ipynb)(?:#(?:cell-id|scrollTo)=([\w-]+))?\)"
)
# Un enlace al índice o a la página de consulta, que no son cuadernos: Colab no los abre, y se leen en GitHub.
PAGE = re.compile(
    r"\]\((?:https://github\.com/[^/()]+/[^/()]+/blob/main/(?:notebooks/)?|\.\./)?"
    r"(README\.md#las-lecciones|consulta\.md(?:#[^()\s]*)?)\)"
)
BLOCK = re.compile(r"(<!-- direccion -->\n).*?(<!-- /direccion -->)", re.DOTALL)
UNSTAMPED_BLOCK = "Descarga o clona este repositorio y abre una terminal en su carpeta.\n"


def current(root=ROOT):
    """La dirección con la que está sellado el curso («» si no lo está)."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["curso"]["repo"]


def validate(repo):
    """La dirección sin barra ni `.git` finales; `SystemExit` si no sirve para clonar."""
    repo = re.sub(r"(\.git)?/*$", "", repo.strip())
    if repo and not re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(:\d+)?(/[\w.~-]+)+", repo):
        raise SystemExit(
            f"«{repo}» no es la dirección https de un repositorio, como https://servidor/usuario/curso."
        )
    return repo


def github(repo):
    """`usuario/curso` si el repositorio está en GitHub; si no, una cadena vacía."""
    found = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)", repo)
    return found[1] if found else ""


def colab_link(repo, name):
    """Enlace que abre en Colab un cuaderno de un repositorio de GitHub."""
    return f"https://colab.research.google.com/github/{github(repo)}/blob/{BRANCH}/notebooks/{name}"


def site(repo):
    """La dirección que da GitHub Pages al sitio de un repositorio (`.github/workflows/sitio.yml`)."""
    user, name = github(repo).split("/")
    return f"https://{user.lower()}.github.io/" + (
        "" if name.lower() == f"{user.lower()}.github.io" else f"{name}/"
    )


def badge(repo, name):
    if not github(repo):
        return ""
    image = f"https://raw.githubusercontent.com/{github(repo)}/{BRANCH}/data/abrir_en_colab.svg"
    return f"[![Abrir en Colab]({image})]({colab_link(repo, name)})"


def link_notebooks(text, repo):
    """Los enlaces de `text` a otros cuadernos y páginas: absolutos si `repo` está en GitHub y, si no, relativos."""

    def link(found):
        name, cell = found.groups()
        if github(repo):
            return f"]({colab_link(repo, name)}{f'#scrollTo={cell}' if cell else ''})"
        return f"]({name}{f'#cell-id={cell}' if cell else ''})"

    def page(found):
        folder = "" if found[1].startswith("README") else "notebooks/"
        if github(repo):
            return f"](https://github.com/{github(repo)}/blob/{BRANCH}/{folder}{found[1]})"
        return f"]({'' if folder else '../'}{found[1]})"

    return PAGE.sub(page, SIBLING.sub(link, text))


def stamp_notebook(path, repo):
    """Enlaces y, en las lecciones, insignia bajo el título y celda de puesta en marcha; las salidas no se tocan."""
    notebook = lessons.read(path)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = link_notebooks(BADGE.sub("", cell.source), repo)
        elif setup_cell.TAG in lessons.tags(cell):
            cell.source = setup_cell.render(repo)
            title = notebook.cells[0]
            heading, _, rest = title.source.partition("\n")
            mark = badge(repo, path.name)
            title.source = f"{heading}\n\n{mark}\n{rest}".rstrip("\n") if mark else title.source
    return lessons.write(path, notebook)


def stamp_readme(path, repo):
    """El recuadro del README: cómo se consigue el curso y, si se puede, sus enlaces a Colab."""
    text = UNSTAMPED_BLOCK
    if repo:
        folder = repo.rpartition("/")[2]
        text = f"```bash\ngit clone --depth 1 {repo}\ncd {folder}\n```\n"
    if github(repo):
        links = " · ".join(
            f"[{p.stem[:2]}]({colab_link(repo, p.name)})"
            for p in lessons.find(folder=path.parent / "notebooks")
        )
        text += f"\nO ábrelo en Colab, sin instalar nada: {links}\n"
        text += f"\nO léelo en su sitio, también en el teléfono, con `gpt1-mini` vivo en la página: {site(repo)}\n"
    return replace(path, BLOCK, lambda block: block[1] + text + block[2])


def replace(path, pattern, new):
    before = path.read_text(encoding="utf-8")
    after, found = re.subn(pattern, new, before, count=1)
    if not found:
        raise SystemExit(f"{path.name} ha perdido la marca donde va la dirección del curso.")
    path.write_text(after, encoding="utf-8", newline="\n")
    return after != before


def stamp(repo, root=ROOT):
    """Sella todo el curso con `repo`; devuelve los archivos que han cambiado."""
    repo = validate(repo)
    line = re.compile(r'^repo = ".*"$', re.MULTILINE)
    changed = {
        root / "pyproject.toml": replace(root / "pyproject.toml", line, lambda _: f'repo = "{repo}"'),
        root / "README.md": stamp_readme(root / "README.md", repo),
    }
    changed |= {path: stamp_notebook(path, repo) for path in sorted((root / "notebooks").glob("*.ipynb"))}
    return [path for path, has_changed in changed.items() if has_changed]


def main(argv):
    if not argv:
        raise SystemExit(
            "Di qué dirección: make direccion REPO=https://servidor/usuario/curso (REPO= la quita)."
        )
    changed = stamp(argv[0])
    print(f"Dirección del curso: {current() or 'ninguna'}. Archivos cambiados: {len(changed)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
