"""La barra de los bucles que se escriben en una lección: se ve mientras corren y deja una sola línea al acabar."""

import time
from collections.abc import Iterator

from IPython.display import display

WIDTH = 30  # letras
EVERY = 0.5  # segundos


class Steps:
    """Recorre `range(total)` enseñando por dónde va; con `say`, además, lo que se le diga, como la pérdida.

    No es la de `tqdm` porque esa escribe en la salida de errores, y lo que se guarda de una lección no lleva ninguno.
    """

    def __init__(self, total: int, title: str):
        self.total, self.title, self.done, self.said = total, title, 0, ""
        self.started = self.shown = time.monotonic()

    def __iter__(self) -> Iterator[int]:
        handle = display(self._line(), raw=True, display_id=True)
        for step in range(self.total):
            yield step
            self.done = step + 1
            now = time.monotonic()
            if handle and (now - self.shown > EVERY or self.done == self.total):
                self.shown = now
                handle.update(self._line(), raw=True)

    def say(self, text: str) -> None:
        self.said = text

    def _line(self) -> dict:
        full = WIDTH * self.done // self.total if self.total else WIDTH
        told = [f"{self.title} {'█' * full}{'░' * (WIDTH - full)} {self.done} de {self.total}"]
        if 0 < self.done < self.total:
            left = (time.monotonic() - self.started) / self.done * (self.total - self.done)
            told.append(f"quedan {left:.0f} s")
        return {"text/plain": " · ".join([*told, self.said] if self.said else told)}
