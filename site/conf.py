"""El sitio: las lecciones con sus salidas guardadas, sin ejecutar nada y sin pedir nada a otro servidor.

Lo monta `make sitio` (`tools/make_site.py`), que copia aquí al lado los cuadernos ya preparados.
"""

project = "GPT-1, de dentro afuera"
author = "los autores del curso"  # al pie: «Por los autores del curso»
copyright = author  # noqa: A001 - así lo llama Sphinx
language = "es"
html_title = project

extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx-mathjax-offline"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # si no, pide a otro servidor lo que no usamos
nb_code_prompt_show = "Ver la salida"
nb_code_prompt_hide = "Plegar la salida"
nb_merge_streams = True

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["curso.css"]
html_js_files = ["curso.js"]
html_context = {"default_mode": "auto"}
html_favicon = "_static/icono.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {
    "home_page_in_toc": True,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "toc_title": "En esta página",
    "search_bar_text": "Busca en el curso…",
}
