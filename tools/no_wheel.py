"""Lo que contesta pyproject.toml a quien intenta instalar el curso o hacer de él un paquete: una frase.

El modelo, los datos y los cuadernos están en la carpeta del curso y no viajarían en una rueda (*wheel*).
"""

import sys


def refuse(*_, **__):
    """Hace de cada paso de PEP 517 y acaba la construcción."""
    sys.exit(
        "El curso no se instala como paquete, porque sus datos y su modelo se quedarían fuera: clónalo o descárgalo"
        " y, desde su carpeta, ejecuta «make curso» (el README dice cómo sin make)."
    )


get_requires_for_build_wheel = get_requires_for_build_editable = get_requires_for_build_sdist = refuse
build_wheel = build_editable = build_sdist = refuse
