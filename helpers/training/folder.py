"""La carpeta de un entrenamiento: de cuál es, desde dónde se puede seguir y qué pasa si el disco falla."""

import errno
import hashlib
import json
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

import datasets
import torch
from accelerate import PartialState
from filelock import FileLock, Timeout
from safetensors import SafetensorError

from helpers.files import WHY, read_json, write_json
from helpers.terminal import output_fails
from helpers.training.recipe import TrainingError

RUN = "run.json"  # qué entrenamiento es el de la carpeta
CHECKPOINTS = "checkpoints"
LOCK = "en-uso.lock"
STATE = "trainer_state.json"
SUMS = "sums.json"  # de qué entrenamiento es un punto de control y la huella de cada archivo: lo último que se escribe
RESULTS = ("*.json", "model.safetensors", "merges.txt")  # lo que queda de un entrenamiento acabado
SHAPE = ("n_layer", "n_embd", "n_head", "n_positions", "vocab_size", "afn", "layer_norm_epsilon")
FORMAT = 5  # se sube a mano cuando cambia lo que un entrenamiento deja en su carpeta
TOLD = {
    "weights": "los pesos de partida",
    "data": "los datos",
    "vocabulary": "el vocabulario",
    "format": "la edición del curso",
}


def fingerprint(*parts) -> str:
    """Una huella de `parts`: modelos, sus pesos, archivos (`Path`), `DatasetDict` o cualquier cosa con JSON."""
    digest = hashlib.sha256()
    for part in parts:
        inside = hashlib.sha256()
        for piece in _pieces(part):
            inside.update(piece)
        digest.update(inside.digest())  # cada parte por separado: «a» y «bc» no son «ab» y «c»
    return digest.hexdigest()[:16]


def _pieces(part):
    if isinstance(part, torch.nn.Module):
        if hasattr(part, "config"):  # los mismos pesos con otras cabezas son otro modelo
            yield from _pieces({name: getattr(part.config, name, None) for name in SHAPE})
        yield from _pieces(dict(part.state_dict()))
    elif isinstance(part, dict) and any(isinstance(value, torch.Tensor) for value in part.values()):
        for name, tensor in sorted(part.items()):
            yield f"{name} {tensor.dtype} {list(tensor.shape)}".encode()
            yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    elif isinstance(part, Path):
        with open(part, "rb") as file:
            while piece := file.read(2**20):
                yield piece
    elif isinstance(part, datasets.DatasetDict):
        for name in sorted(part):
            yield from _pieces([name, part[name].to_dict()])
    else:
        yield json.dumps(part, sort_keys=True, ensure_ascii=False, default=str).encode()


def claim(out, identity: dict, how: dict, finished: str, may_change=lambda before: ()) -> bool:
    """Apunta en `out` que su entrenamiento es el de `identity`; devuelve si ya está acabado (`finished`, su archivo).

    Lanza `TrainingError` si lo que hay es de otro, y dice en qué se distingue, o si no se sabe de cuál es. Lo que
    `may_change(before)` permite que cambie, y cómo se entrena (`how`), se apuntan junto a lo de antes y hasta qué
    actualización (`until`) fue así.
    """
    out, identity = Path(out), {"format": FORMAT, **identity}
    how = how | {"processes": PartialState().num_processes}
    before = _read_run(out, finished)
    changed = [] if before is None else changes(before, identity)
    allowed = may_change(before) if changed else ()  # una vez: lee las huellas de los puntos de control
    refuse_changes(out, before, identity, [name for name in changed if name not in allowed])
    sums = {} if before is None or changed else before.get("finished")
    done = isinstance(sums, dict) and finished in sums and (out / finished).exists()
    if done and (problem := _changed_file(out, sums)):
        raise TrainingError(f"El entrenamiento de {out} está dañado ({problem}): bórralo y vuelve a hacerlo.")
    if done and PartialState().is_main_process:
        print(f"{out} ya estaba acabado: no se repite nada.")
    PartialState().wait_for_everyone()  # que nadie lo escriba mientras otro proceso aún lo lee
    if PartialState().is_main_process and not done:
        before = before or {}
        stages, past = before.get("stages", []), [*changed, *changes(before, how)]
        if past := {name: before[name] for name in past if name in before}:
            last = last_checkpoint(out / CHECKPOINTS, verbose=False)
            stages = [*stages, past | {"until": step_of(last) if last else 0}]
        # con otro nombre propio, lo que hubiera en la carpeta de un entrenamiento borrado no se toma por suyo
        record = identity | how | {"run": before.get("run") or secrets.token_hex(8)}
        write_json(out / RUN, record | ({"stages": stages} if stages else {}))
    return done


@contextmanager
def alone_in(out: Path):
    """Dentro, ningún otro proceso puede entrenar en `out`: lanza `TrainingError` si ya lo está haciendo uno.

    Es un cerrojo del sistema: si el proceso muere, se suelta solo. De los que se reparten un entrenamiento, lo echa el
    primero.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainingError(
            f"Otro proceso está entrenando en {out}: espera a que acabe o elige otra carpeta."
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            (out / LOCK).unlink()
        lock.release()


def changes(before: dict, now: dict) -> list[str]:
    """Los nombres de `now` que en `before` faltan o valen otra cosa."""
    return [name for name in now if name not in before or before[name] != now[name]]


def refuse_changes(place, before: dict | None, now: dict, changed: list[str]) -> None:
    """Lanza `TrainingError` si hay algo en `changed`: lo que hay en `place` es de otro entrenamiento."""
    if changed:
        told = [TOLD.get(name, f"{name}: {before.get(name)!r} y ahora {now[name]!r}") for name in changed]
        raise TrainingError(
            f"En {place} hay un entrenamiento distinto (cambia {'; '.join(told)}): elige otra carpeta o borra esa."
        )


def output_folder(out) -> Path:
    """`out` como ruta. Lanza `TrainingError` si no dice ninguna o es la carpeta en la que se trabaja."""
    try:
        folder = Path(out).expanduser()
        wrong = not str(out).strip() or folder.resolve() == Path.cwd() or not str(folder).isprintable()
    except (
        TypeError,
        ValueError,
        RuntimeError,
        OSError,
    ):  # no es una ruta, trae un NUL o no hay tal ~usuario
        wrong = True
    if wrong or isinstance(out, bytes):
        raise TrainingError(
            f"La carpeta de salida (out) no puede ser {out!r:.60}: está vacía, es esta misma o no es un nombre; dale "
            'uno, por ejemplo "runs/mio".'
        )
    return folder


def _read_run(out: Path, finished: str) -> dict | None:
    """Lo que dice `run.json`, o `None` si en `out` no hay nada hecho: una orden que no llegó a empezar no cuenta."""
    places = (out / finished, out / "model.safetensors", *(out / CHECKPOINTS).glob("checkpoint-*"))
    left = [path.name for path in places if path.exists()]
    if not left:
        return None
    if (out / RUN).exists():
        run = read_json(out / RUN, TrainingError)
        if not isinstance(run, dict) or not isinstance(run.get("stages", []), list):
            raise TrainingError(
                f"{out / RUN} está dañado y no se sabe de qué entrenamiento es: elige otra carpeta o borra esa."
            )
        return run
    raise TrainingError(
        f"En {out} hay {left[0]} y no se sabe de qué entrenamiento es (falta {RUN}): elige otra carpeta o borra esa."
    )


def mark_finished(out) -> None:
    """Apunta que el entrenamiento de `out` está acabado y entero, y las huellas de lo que deja: es lo último."""
    out = Path(out)
    run = read_json(out / RUN, TrainingError)
    left = {path for pattern in RESULTS for path in out.glob(pattern) if path.name != RUN}
    write_json(out / RUN, run | {"finished": {path.name: fingerprint(path) for path in sorted(left)}})


def run_name(out) -> str | None:
    """El nombre propio del entrenamiento de `out`, o `None` si no se sabe."""
    try:
        return read_json(Path(out) / RUN, TrainingError)["run"]
    except (TrainingError, TypeError, KeyError):
        return None


def seal(checkpoint) -> None:
    """Apunta de qué entrenamiento es un punto de control recién escrito, y la huella de cada uno de sus archivos."""
    left = [path for path in sorted(Path(checkpoint).iterdir()) if path.is_file() and path.name != SUMS]
    files = {path.name: fingerprint(path) for path in left}
    write_json(Path(checkpoint) / SUMS, {"run": run_name(Path(checkpoint).parents[1]), "files": files})


def last_checkpoint(folder, verbose: bool = True) -> str | None:
    """El punto de control más reciente de `folder` que está entero, o `None`; de los demás, lo dice.

    `get_last_checkpoint` de transformers devuelve también el que se quedó a medias al morir el proceso, y entonces no
    se puede reanudar (huggingface/transformers#35782). Aquí cuenta solo si todos sus archivos son los que se guardaron
    y los guardó este entrenamiento: uno cambiado por otro que también se lee no es menos falso que uno roto.
    """
    found, damaged = [(step, place) for step, place in _checkpoints(folder) if any(place.iterdir())], []
    for _, place in sorted(found, reverse=True):
        problem = _damage(place)
        if problem is None:
            break
        damaged.append(f"{place.name} ({problem})")
    else:
        place = None
    if damaged and verbose and PartialState().is_main_process:
        then = f"sigo desde {place.name}" if place else "no queda ninguno entero y empiezo de cero"
        print(f"No se puede seguir desde {', '.join(damaged)}: {then}.")
    return str(place) if place else None


def _checkpoints(folder) -> list[tuple[int, Path]]:
    """Los puntos de control de `folder`, enteros o no, cada uno con su actualización."""
    places = [place for place in Path(folder).glob("checkpoint-*") if place.is_dir()]
    return [(step_of(place), place) for place in places if place.name[len("checkpoint-") :].isdecimal()]


def drop_later(folder, step: int) -> None:
    """Borra de `folder` los puntos de control de después de la actualización `step`."""
    for later, place in _checkpoints(folder):
        if later > step:
            shutil.rmtree(place, ignore_errors=True)


def step_of(checkpoint) -> int:
    """La actualización en que se escribió un punto de control."""
    return int(Path(checkpoint).name.removeprefix("checkpoint-"))


def _damage(checkpoint: Path) -> str | None:
    """Qué le falta o tiene cambiado un punto de control, o `None`."""
    if not (checkpoint / SUMS).exists():
        return f"se quedó a medias: falta {SUMS}"
    try:
        sums = read_json(checkpoint / SUMS, TrainingError)
        if sums["run"] != run_name(checkpoint.parents[1]):
            return "es de otro entrenamiento"
        return (
            f"{SUMS} está dañado" if STATE not in sums["files"] else _changed_file(checkpoint, sums["files"])
        )
    except (TrainingError, TypeError, KeyError, AttributeError):
        return f"{SUMS} está dañado"


def _changed_file(folder: Path, sums: dict) -> str | None:
    """El primer archivo de `sums` que en `folder` falta o no es el que se guardó, o `None`."""
    for name, expected in sums.items():
        try:
            if fingerprint(folder / name) != expected:
                return f"{name} no es el que se guardó"
        except FileNotFoundError:
            return f"falta {name}"
        except OSError:
            return f"{name} no se puede leer"
    return None


AGAIN = "y repite la misma orden"
ROOM = f"deja sitio en el disco {AGAIN}"
ELSEWHERE = "elige otra carpeta"
CONNECTED = f"comprueba que el disco sigue conectado {AGAIN}"
# Qué se puede hacer; con lo demás, elegir otra carpeta.
DISK = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EIO: CONNECTED,
    errno.ESTALE: CONNECTED,
    errno.ETIMEDOUT: CONNECTED,
    errno.EMFILE: f"cierra otros programas {AGAIN}",
    errno.ENFILE: f"cierra otros programas {AGAIN}",
}


TORCH_CANNOT_WRITE = ("PytorchStreamWriter", "file write failed", "unexpected pos", "iostream error")


@contextmanager
def clear_disk_errors(out):
    """Convierte los fallos al escribir en `out` (disco lleno, sin permiso, desconectado) en un `TrainingError`.

    Los demás errores pasan tal cual: un archivo de datos que no se lee no es un disco lleno.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        told = _disk_problem(error, Path(out))
        if told is None:
            raise
        kept = last_checkpoint(Path(out) / CHECKPOINTS, verbose=False) if Path(out).is_dir() else None
        state = (
            f"Lo hecho hasta {Path(kept).name} está a salvo"
            if kept
            else "Aún no había ningún punto de control"
        )
        raise TrainingError(f"No se puede escribir en {out}: {told[0]}. {state}: {told[1]}.") from error


def _disk_problem(error: Exception, out: Path) -> tuple[str, str] | None:
    """(qué le pasa al disco, qué hacer), o `None` si el error no es de escribir en `out`."""
    if isinstance(error, OSError):
        if error.filename is None and output_fails():
            return None  # lo lleno es a donde se manda lo que se imprime
        where = Path(error.filename).absolute() if isinstance(error.filename, str) else None
        ours = where is None or where == out.absolute() or where in out.absolute().parents
        if error.errno == errno.ENOENT and out.exists():
            return None  # falta un archivo que se quería leer: la carpeta sigue ahí
        return _advice(error.errno) if ours or out.absolute() in where.parents else None
    # safetensors y torch.save cuentan los fallos de disco como suyos
    if isinstance(error, SafetensorError):
        code = str(error).partition("os error ")[2].partition(")")[0]
        return _advice(int(code)) if code.isdecimal() else None
    if not any(sign in str(error) for sign in TORCH_CANNOT_WRITE):
        return None
    place = next((folder for folder in (out, *out.absolute().parents) if folder.exists()), Path())
    nearly_full = shutil.disk_usage(place).free < 2**20
    return (WHY[errno.ENOSPC] if nearly_full else "la escritura se ha cortado"), ROOM


def _advice(code) -> tuple[str, str] | None:
    if code == errno.ENOENT:
        return "esa carpeta no está o no se puede crear", CONNECTED
    return (WHY[code], DISK.get(code, ELSEWHERE)) if code in WHY else None
