"""Ejecutar lo que escribe quien sigue el curso sin que pueda parar la lección: con un tope de tiempo y de texto.

El tope lo pone un hilo vigilante que, al agotarse, lanza `TimeUp` dentro del hilo que ejecuta la respuesta
(`PyThreadState_SetAsyncExc`). Una señal (`signal.alarm`) no existe en Windows y solo llega al hilo principal; un
proceso aparte no vería lo definido en el cuaderno. El precio: Python mira si hay algo pendiente entre instrucción e
instrucción, así que una sola llamada larga a C (`sum(range(10**12))`, un producto de matrices enorme) no se corta hasta
que vuelve.
"""

import contextlib
import ctypes
import io
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable

import numpy
import torch

POLL = 0.05  # cada cuántos segundos mira el vigilante
INSIST = 0.2  # y cada cuántos repite, por si la respuesta ha atrapado el aviso
ROOM = 50  # llamadas de más, en cada repetición, para que el aviso quepa
IDLE = 12  # quien no calcula (espera, duerme) tiene este múltiplo del tope, en tiempo de reloj
PRINTED = 10_000  # caracteres que se enseñan de lo que imprime una respuesta


class TimeUp(BaseException):
    """Se ha acabado el tiempo. No es una `Exception`, para que `except Exception` no se la quede."""

    waiting = False  # ¿se ha ido en esperar, y no en calcular?


class TimeReallyUp(TimeUp):
    """Los avisos siguientes, para quien se ha quedado el primero con un `except: pass`.

    Nacen en el hilo de la respuesta, y al nacer ponen un rastreador que lanza también en la línea a la que llega una
    excepción, que es la del `except`: de ahí ya no sale al mismo bucle, ni a la misma llamada.
    """

    def __init__(self):
        frame, trace = sys._getframe(1), _raise_next  # en Python 3.11, esta función ya puede tenerlo atrapado
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace, frame, trace = trace, frame.f_back, _stumble
        sys.settrace(_stumble)
        sys.setprofile(_again)


def _stumble(frame, event, arg):
    if frame.f_code.co_filename == __file__:  # quien recoge no tropieza
        return None
    return _raise_next if event == "exception" and issubclass(arg[0], TimeUp) else _stumble


def _raise_next(frame, event, arg):
    if event == "line":  # al salir ya lleva su excepción
        raise TimeUp
    return _raise_next


def _again(frame, event, arg):
    """Un rastreador que lanza se quita: al salir de cada función se vuelve a poner, para la que la llamó."""
    if event == "return":
        sys.settrace(_stumble)


def bounded(function: Callable, seconds: float):
    """`function()`, cortada con `TimeUp` cuando lleva `seconds` segundos, tanto de CPU del proceso como de reloj.

    Los dos a la vez: en una máquina ocupada el reloj corre sin que se calcule, y con varios hilos la CPU se multiplica.
    """
    watch = _Watch(seconds)
    try:
        try:
            watch.start()
            result = function()
        finally:
            watch.stop()
    except TimeUp as error:
        watch.stop()  # el aviso puede llegar dentro del propio `finally`
        error.waiting = watch.waiting
        raise
    if watch.fired:  # la respuesta se lo ha quedado y ha devuelto algo: no ha terminado por su pie
        error = TimeUp()
        error.waiting = watch.waiting
        raise error
    return result


class _Watch:
    """El hilo vigilante. `stop` no vuelve hasta que ya no puede llegar ningún aviso."""

    def __init__(self, seconds: float):
        self.seconds, self.target = seconds, threading.get_ident()
        self.fired = self.alive = self.waiting = False
        self.trace, self.profile = sys.gettrace(), sys.getprofile()  # los de un depurador, si lo hay
        self.bell = threading.Lock()
        self.bell.acquire()

    def start(self) -> None:
        self.cpu, self.clock = time.process_time(), time.monotonic()
        self.alive = True
        try:
            threading.Thread(target=self._watch, name="tope", daemon=True).start()
        except RuntimeError:  # sin hilos (un Python en el navegador) se sigue sin tope
            self.alive = False

    def stop(self) -> None:
        while True:
            try:
                if self.fired:
                    self._restore()
                if self.bell.locked():
                    self.bell.release()
                while self.alive:
                    time.sleep(0.0005)
                _raise_in(self.target, None)  # el que no haya llegado todavía
                if self.fired:
                    self._restore()
                return
            except TimeUp:
                continue

    def _restore(self) -> None:
        sys.setprofile(self.profile)
        sys.settrace(self.trace)

    def _watch(self) -> None:
        try:
            while not self.bell.acquire(timeout=INSIST if self.fired else POLL):
                cpu, clock = time.process_time() - self.cpu, time.monotonic() - self.clock
                if min(cpu, clock) >= self.seconds or clock >= IDLE * self.seconds:
                    error = TimeReallyUp if self.fired else TimeUp
                    if self.fired:  # sitio para el rastreador, si ya no caben más llamadas
                        sys.setrecursionlimit(sys.getrecursionlimit() + ROOM)
                    else:
                        self.waiting = cpu < self.seconds
                    self.fired = True
                    _raise_in(self.target, error)
        finally:
            self.alive = False


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Deja pendiente `error` en un hilo; `None` retira el que hubiera."""
    pending = ctypes.py_object(error) if error else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), pending)


class Printed(io.StringIO):
    """Lo que imprime una respuesta, sin pasar de `PRINTED` caracteres: un bucle infinito puede imprimir gigas."""

    left_out = 0

    def write(self, text: str) -> int:
        kept = text[: max(0, PRINTED - self.tell())]
        super().write(kept)
        self.left_out += len(text) - len(kept)
        return len(text)

    def close(self) -> None:
        """Nada: una respuesta que cierra la salida no deja sin ver lo que había escrito."""

    def text(self) -> str:
        rest = f"\n… (no se enseña el resto: {self.left_out} caracteres)\n" if self.left_out else ""
        return self.getvalue() + rest


@contextlib.contextmanager
def undisturbed():
    """Deja como estaba lo que una respuesta puede cambiar para todo el proceso.

    Los sorteos (PyTorch, NumPy y `random`), el tipo y el dispositivo por defecto, los gradientes, los hilos, el
    determinismo, el tope de llamadas, la carpeta y Ctrl-C: lo que siga en la lección sale así igual se haga el
    ejercicio o no. Y en un cuaderno, `exit()` lanza `SystemExit` mientras tanto, en vez de pedir que se cierre.
    """
    with (
        torch.random.fork_rng(devices=[]),
        torch.set_grad_enabled(torch.is_grad_enabled()),
        contextlib.ExitStack() as stack,  # lo restaura todo aunque algo no se deje
    ):
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        stack.callback(numpy.random.set_state, numpy.random.get_state())
        stack.callback(random.setstate, random.getstate())
        stack.callback(_back_to_device, torch.get_default_device())
        stack.callback(_back_to_threads, torch.get_num_threads())
        stack.callback(_back_to_determinism, *_determinism())
        with contextlib.suppress(OSError):  # una carpeta que ya no existe
            stack.callback(_back_to_folder, os.getcwd())
        if threading.current_thread() is threading.main_thread():
            stack.callback(_back_to_handler, signal.getsignal(signal.SIGINT))
        stack.enter_context(_exit_raises())
        stack.callback(sys.setrecursionlimit, sys.getrecursionlimit())  # el primero que vuelve
        yield


def _back_to_device(device: torch.device) -> None:
    if torch.get_default_device() != device:  # ponerlo, aunque sea la CPU, frena todo lo que venga después
        torch.set_default_device(None if device.type == "cpu" else device)


def _back_to_threads(count: int) -> None:
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def _determinism() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _back_to_determinism(mode: bool, warn_only: bool) -> None:
    if _determinism() != (mode, warn_only):  # ponerlo importa media PyTorch: varios segundos la primera vez
        torch.use_deterministic_algorithms(mode, warn_only=warn_only)


def _back_to_folder(folder: str) -> None:
    with contextlib.suppress(OSError):
        os.chdir(folder)


def _back_to_handler(handler) -> None:
    if handler is not None and signal.getsignal(signal.SIGINT) is not handler:  # `None`: no lo puso Python
        signal.signal(signal.SIGINT, handler)


@contextlib.contextmanager
def _exit_raises():
    """En IPython, `exit()` y `quit()` no lanzan nada: piden cerrar el núcleo al acabar la celda (`ask_exit`)."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_shell() if get_shell else None
    if shell is None:
        yield
        return
    own = vars(shell).get("ask_exit")  # si no es suyo, es el de su clase
    shell.ask_exit = _leave
    try:
        yield
    finally:
        if own is None:
            vars(shell).pop("ask_exit", None)
        else:
            shell.ask_exit = own


def _leave(*args) -> None:
    raise SystemExit
