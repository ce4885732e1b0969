"""Lo que tarda cada lección, ejecutada entera y sin red."""

import os
import tempfile
import time
from unittest import mock

from tests.benchmarks.timing import at_most
from tools import lessons, run_lessons

SLOW = {"06": 180, "09": 180}  # las demás, un minuto


def rows(quick: bool = False) -> list[dict]:
    found = []
    for path in lessons.find("00" if quick else ""):
        with (
            tempfile.TemporaryDirectory() as scratch,
            mock.patch.dict(os.environ, lessons.offline_environment(scratch)),
        ):
            start = time.perf_counter()
            run_lessons.execute(lessons.read(path), path.parent)
            seconds = time.perf_counter() - start
        name, limit = f"La lección {path.name[:2]}, entera", SLOW.get(path.name[:2], 60)
        found.append(at_most(name, [seconds], limit, note="con el arranque de Python y sus bibliotecas"))
    return found
