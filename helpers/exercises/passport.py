"""Qué llevas hecho y qué has apostado: un archivo tuyo, que puedes borrar o llevarte a Colab como texto.

No se pierde nunca: se escribe de una vez y con cerrojo (dos cuadernos a la vez suman lo suyo), un archivo dañado se
aparta en vez de pisarse y lo que no se puede guardar se recuerda mientras dure la sesión.
"""

import base64
import contextlib
import json
import math
import os
import re
import time
import zlib
from pathlib import Path

from helpers.environment import ROOT
from helpers.files import why, write_json, write_text

BETS = "apuestas"  # bajo este nombre, en el mismo archivo, va lo que apunta `bets`
SOURCE = "mi_gpt1"  # y bajo este, en el texto, el GPT-1 del lector: en su ordenador es un archivo aparte
OURS = re.compile(r"\d\d-")  # «04-softmax», «03-07»
STALE = 5.0  # segundos tras los que un cerrojo es de un proceso que murió sin quitarlo
_unsaved: dict[Path, dict] = {}  # lo que no se ha podido escribir
_told: set[str] = set()  # avisos ya dados: cada uno, una vez


def path() -> Path:
    """Dónde se guarda: `progreso.json` en la carpeta del curso, o lo que diga `CURSO_PROGRESO`."""
    return Path(os.environ.get("CURSO_PROGRESO") or ROOT / "progreso.json")


def load_results() -> dict[str, bool]:
    """Nombre del ejercicio o pregunta → ¿bien? De un archivo dañado, lo que se pueda leer."""
    return {name: good for name, good in _load().items() if isinstance(good, bool)}


def load_bets() -> dict[str, dict]:
    """Nombre de la apuesta → `{"low", "high", "seen"}`, en el orden en que se hicieron."""
    return _load().get(BETS, {})


def record(name: str, good: bool) -> None:
    """Apunta un resultado; un acierto no se pierde. Si no se puede escribir, la lección sigue igual."""
    _add({name: bool(good)})


def record_bet(name: str, bet: dict) -> None:
    """Apunta una apuesta; la primera es la que cuenta."""
    _add({BETS: {name: bet}})


def source_path() -> Path:
    """Dónde se guarda el GPT-1 que monta el lector en la lección 08: en `runs`, junto a su progreso."""
    return path().parent / "runs" / f"{SOURCE}.py"


def write_source(source: str) -> None:
    """Guarda la fuente de ese GPT-1."""
    write_text(source_path(), source)


def as_text() -> str:
    """Todo lo apuntado, y el GPT-1 del lector, en un texto que se puede copiar y pegar en otro ordenador."""
    saved = _load()
    with contextlib.suppress(OSError, UnicodeDecodeError):  # si no está o no se lee, viaja lo demás
        saved = saved | {SOURCE: source_path().read_text(encoding="utf-8")}
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(saved, sort_keys=True).encode())).decode()


def add_text(text: str) -> None:
    """Suma lo que trae un texto de `as_text`; lanza `ValueError` si no lo es."""
    try:
        packed = base64.urlsafe_b64decode("".join(str.split(text)))
        other = _parsed(zlib.decompressobj().decompress(packed, 10_000_000))
    except (ValueError, zlib.error, AttributeError, TypeError, RecursionError) as error:
        raise ValueError("ese texto de progreso no se entiende") from error
    if not isinstance(other, dict):
        raise ValueError("ese texto de progreso no se entiende")
    source = other.pop(SOURCE, None)
    _add(_sound(other))
    if isinstance(source, str) and not source_path().exists():  # el que ya hubiera aquí no se pisa
        try:
            write_source(source)
        except OSError as error:
            _tell("escribir", error)


def _parsed(content: bytes):
    """El JSON de un archivo o de un texto; lanza `ValueError` si no lo es o si no se podría volver a escribir."""
    found = json.loads(
        content.decode("utf-8-sig"), object_pairs_hook=_object
    )  # el Bloc de notas añade una marca
    json.dumps(found, ensure_ascii=False).encode("utf-8")
    return found


def _object(pairs: list[tuple]) -> dict:
    """Un objeto JSON; si un nombre se repite (dos copias pegadas a mano), un acierto no se pierde."""
    found = {}
    for name, value in pairs:
        found[name] = value if found.get(name) is not True else True
    return found


def _sound(saved: dict) -> dict:
    """Lo que está bien formado. Un nombre que no es nuestro se respeta: puede ser de una edición más nueva."""
    kept = {name: value for name, value in saved.items() if isinstance(value, bool) or not OURS.match(name)}
    kept.pop(BETS, None)
    bets = saved.get(BETS)
    good = {name: bet for name, bet in bets.items() if _is_bet(bet)} if isinstance(bets, dict) else {}
    return kept | ({BETS: good} if good else {})


def _is_bet(bet) -> bool:
    numbers = [bet.get(key) for key in ("low", "high", "seen")] if isinstance(bet, dict) else [None]
    try:  # lo que no es finito no cabe en JSON: al guardarlo se perdería
        return all(type(one) in (int, float) and math.isfinite(one) for one in numbers)
    except OverflowError:  # un entero de cientos de cifras
        return False


def _merged(old: dict, new: dict) -> dict:
    """Los dos juntos: un acierto gana a un fallo y la primera apuesta, a las demás."""
    bets = new.get(BETS, {}) | old.get(BETS, {})
    kept = new | old | {name: True for name, good in new.items() if good is True}
    return kept | ({BETS: bets} if bets else {})


def _load() -> dict:
    """Lo que hay apuntado: lo del archivo y lo que no se ha podido escribir en él."""
    unsaved = _unsaved.get(path(), {})
    try:
        return _merged(_read(), unsaved)
    except OSError as error:
        _tell("leer", error)
        return unsaved


def _read() -> dict:
    """El contenido del archivo. Uno dañado se copia aparte antes de devolver lo que se entiende."""
    try:
        content = _patiently(path().read_bytes)
    except FileNotFoundError:
        return {}
    try:
        saved = _parsed(content)
        if isinstance(saved, dict) and saved == (sound := _sound(saved)):
            return sound
    except (ValueError, RecursionError):
        saved = None
    return _set_aside(content, saved)


def _set_aside(content: bytes, saved) -> dict:
    """Copia a otro nombre lo que no se entiende entero, lo dice y devuelve lo que sí."""
    if isinstance(saved, dict):
        kept = _sound(saved)
    else:  # un archivo a medias: los resultados que se leen
        text = content.decode("utf-8", "replace")
        kept = {
            name: good == "true" for name, good in re.findall(r'"(\d\d-[^"\s]+)"\s*:\s*(true|false)', text)
        }
    target, count = path().resolve(), 1
    while True:
        copy = target.with_name(f"{target.stem}-roto{'' if count == 1 else f'-{count}'}{target.suffix}")
        try:
            if copy.read_bytes() == content:
                break
            count += 1
        except FileNotFoundError:
            try:
                copy.write_bytes(content)
            except OSError:
                with contextlib.suppress(OSError):
                    copy.unlink()  # con el disco lleno, se crea y se queda vacía
                raise
            break
    if str(copy) not in _told:
        _told.add(str(copy))
        done = sum(isinstance(good, bool) for good in kept.values())
        rest = f"sigo con los {done} resultados que se pueden leer" if done else "empiezo otro"
        print(f"⚠️ {target.name} está dañado: lo dejo aparte, como «{copy.name}», y {rest}.")
    return kept


def _add(new: dict) -> None:
    """Suma `new` a lo apuntado, aunque otro proceso escriba a la vez; lo que no se puede escribir se recuerda."""
    target = path()
    wanted = _merged(_unsaved.get(target, {}), new)
    try:
        with _locked(target):
            saved = _read()
            merged = _merged(saved, wanted)
            if merged != saved:
                _write(target, merged)
        _unsaved.pop(target, None)
    except OSError as error:
        _unsaved[target] = wanted
        _tell("escribir", error)


def _write(target: Path, saved: dict) -> None:
    ordered = {name: saved[name] for name in sorted(saved)}
    target = target.resolve()  # si es un enlace, se escribe donde apunta
    _patiently(lambda: write_json(target, ordered))


def _patiently(action):
    """`action()`, con paciencia en Windows, donde otro programa puede tener el archivo abierto un momento."""
    for _ in range(20 if os.name == "nt" else 0):
        try:
            return action()
        except PermissionError:
            time.sleep(0.05)
    return action()


@contextlib.contextmanager
def _locked(target: Path):
    """Un archivo `.lock` junto al nuestro mientras se lee y se escribe: crearlo si no existe es atómico.

    Sin él (una carpeta rara, un cerrojo que no se puede quitar) se sigue: se pierde la protección, no la lección.
    """
    lock = target.with_name(target.name + ".lock")
    mine, start = False, time.monotonic()
    while not mine and time.monotonic() - start < 2 * STALE:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            mine = True
        except FileExistsError:
            _break_if_stale(lock)
            time.sleep(0.005)
        except (
            PermissionError
        ):  # en Windows, mientras se borra el de otro; si no, es que no se puede escribir
            if time.monotonic() - start > (0.5 if os.name == "nt" else 0):
                break
            time.sleep(0.005)
        except OSError:
            break
    try:
        yield
    finally:
        if mine:
            with contextlib.suppress(OSError):
                lock.unlink()


def _break_if_stale(lock: Path) -> None:
    """Quita el cerrojo de un proceso muerto. Se renombra antes, que solo le sale a uno."""
    with contextlib.suppress(OSError):
        if abs(time.time() - lock.stat().st_mtime) > STALE:
            old = lock.with_name(f"{lock.name}.{os.getpid()}")
            os.replace(lock, old)
            old.unlink()


def _tell(verb: str, error: OSError) -> None:
    """Dice una vez por archivo que no se puede leer o escribir."""
    if str(path()) in _told:
        return
    _told.add(str(path()))
    print(
        f"⚠️ No se puede {verb} {path()} ({why(error)}): lo que hagas se recuerda solo hasta cerrar este cuaderno. "
        "Arréglalo, o copia el texto que da progress()."
    )
