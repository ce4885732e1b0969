"""Lo que comparten las órdenes de la terminal: español, errores de una línea y ninguna consola que las rompa."""

import argparse
import functools
import os
import signal
import sys
from contextlib import contextmanager, suppress

from helpers.files import expanded, why


class _InvalidValue(str):
    """La frase de un valor que no se puede convertir: argparse da el tipo con su nombre de Python."""

    def __mod__(self, values: dict) -> str:
        return str(self) % {**values, "type": KINDS.get(values["type"], values["type"])}


SPANISH = {
    "usage: ": "uso: ",
    "options": "opciones",
    "positional arguments": "argumentos",
    "show this help message and exit": "enseña esta ayuda y termina",
    "argument %(argument_name)s: %(message)s": "%(argument_name)s: %(message)s",
    "the following arguments are required: %s": "falta: %s",
    "unrecognized arguments: %s": "no conozco: %s",
    "expected one argument": "falta su valor",
    "expected at least one argument": "falta su valor",
    "ignored explicit argument %r": "no lleva valor y se ha dado %r",
    "not allowed with argument %s": "no se puede dar a la vez que %s",
    "one of the arguments %s is required": "hace falta una de estas: %s",
    "ambiguous option: %(option)s could match %(matches)s": "%(option)s puede ser %(matches)s: escríbela entera",
    "invalid %(type)s value: %(value)r": _InvalidValue("%(value)s no vale: tiene que ser %(type)s"),
    "invalid choice: %(value)r (choose from %(choices)s)": "%(value)s no vale: elige entre %(choices)s",
    "invalid choice: %(value)r, maybe you meant %(maybe)r? (choose from %(choices)s)": (
        "%(value)s no vale: elige entre %(choices)s"
    ),
}
TRACE = "CURSO_TRAZA"  # con esta variable de entorno, los errores imprevistos se ven enteros
KINDS = {"int": "un entero", "float": "un número"}


@contextmanager
def _in_spanish():
    """Dentro, argparse toma sus frases de `SPANISH`: las pide a `gettext`, que no las trae en español."""
    before = argparse._
    argparse._ = lambda text: SPANISH.get(text, text)
    try:
        yield
    finally:
        argparse._ = before


class Parser(argparse.ArgumentParser):
    """`ArgumentParser` en español: un error es una línea, sin el uso delante."""

    def __init__(self, **settings):
        with _in_spanish():
            super().__init__(**settings)
        self.register("type", "folder", folder)

    def parse_known_args(self, args=None, namespace=None):
        args = sys.argv[1:] if args is None else list(args)
        for name in (arg.removesuffix("=--") for arg in args if arg.startswith("--") and arg.endswith("=--")):
            self.error(f"{name}: no vale «--»")  # argparse lo quita y deja el valor en una lista vacía
        with _in_spanish():
            return super().parse_known_args(args, namespace)

    def parse_args(self, args=None, namespace=None):
        with _in_spanish():
            return super().parse_args(args, namespace)

    def format_help(self) -> str:
        with _in_spanish():
            return super().format_help()

    def error(self, message: str):
        self.exit(2, f"{message} ({self.prog} --help enseña las opciones).\n")


def folder(text: str) -> str:
    """La ruta de una carpeta donde escribir; no puede estar vacía, porque sería la carpeta en la que estás."""
    if not text.strip():
        raise argparse.ArgumentTypeError("está vacía y hace falta el nombre de una carpeta")
    if text.startswith("~") and str(expanded(text)) == text:
        raise argparse.ArgumentTypeError(f"no existe {text.split('/')[0]} y hace falta una carpeta")
    return str(expanded(text))


def _told(error: Exception) -> str:
    """Lo que no es de ninguna orden en particular: la memoria, el disco y lo que nadie ha previsto."""
    if out_of_memory(error):
        return "No cabe en la memoria: cierra otros programas, o baja --micro-batch, --length o el tamaño del modelo."
    if isinstance(error, OSError) and error.filename is None and output_fails():
        return f"No se puede escribir lo que dice esta orden: {why(error)} donde lo estás mandando."
    if isinstance(error, OSError) and error.errno:
        return f"No se puede leer o escribir {error.filename or 'en el disco'}: {why(error)}."
    told = " ".join(f"{type(error).__name__}: {error}".split())
    return f"Error que el curso no esperaba ({told:.300})."


def output_fails() -> bool:
    """¿No se puede escribir en la salida de la orden, como con `> /dev/full`? Su error no dice de qué archivo es."""
    try:
        print(flush=True)  # lo que no se pudo escribir ya se ha perdido: vaciarlo otra vez no fallaría
    except (OSError, ValueError):
        return True
    return False


def out_of_memory(error: Exception) -> bool:
    """¿Se ha acabado la memoria? PyTorch lo cuenta como un `RuntimeError` más."""
    told = str(error)
    return isinstance(error, MemoryError) or "can't allocate memory" in told or "out of memory" in told


def command(*errors: type[Exception]):
    """Envuelve el `main` de una orden: los `errors` y Ctrl-C se dicen en una línea, y devuelve 0, 1 o 130."""

    def wrap(main):
        @functools.wraps(main)
        def safe(arguments=None) -> int:
            with suppress(ValueError):  # fuera del hilo principal no se puede
                if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.default_int_handler, None):
                    signal.signal(signal.SIGINT, signal.default_int_handler)  # ya hay algo que guardar
            try:
                code = main(arguments) or 0
                sys.stdout.flush()  # si no se puede escribir, que se diga aquí y no al salir de Python
                return code
            except errors as error:
                print(error, file=sys.stderr)
                return 1
            except BrokenPipeError:  # quien leía ha dejado de leer, como `head`
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 0
            except Exception as error:  # ni lo que nadie ha previsto sale como una traza
                if os.environ.get(TRACE):
                    raise
                print(f"{_told(error)} Con {TRACE}=1 delante de la orden se ve entero.", file=sys.stderr)
                if output_fails():  # al salir, Python lo intentaría otra vez
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 1
            except KeyboardInterrupt as stopped:
                print(str(stopped) or "Interrumpido.", file=sys.stderr)
                return 130

        return safe

    return wrap
