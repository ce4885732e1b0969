"""La carpeta de un entrenamiento: de cuál es, desde dónde se puede seguir y qué pasa si el disco falla."""

import errno
import hashlib
import json
import os
import shutil
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import datasets
import torch
from accelerate import PartialState
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open

from helpers.files import WHY, write_json
from helpers.training.recipe import TrainingError

RUN = "run.json"  # qué entrenamiento es el de la carpeta
CHECKPOINTS = "checkpoints"
LOCK = "en-uso.lock"
STATE = "trainer_state.json"  # lo último que `Trainer` escribe de un punto de control
SHAPE = ("n_layer", "n_embd", "n_head", "n_positions", "vocab_size", "afn", "layer_norm_epsilon")
FORMAT = 3  # se sube a mano cuando cambia lo que un entrenamiento deja en su carpeta
TOLD = {
    "weights": "los pesos de partida",
    "data": "los datos",
    "vocabulary": "el vocabulario",
    "format": "la edición del curso",
}


def fingerprint(*parts) -> str:
    """Una huella del contenido de `parts`: modelos, archivos (`Path`), `DatasetDict` o cualquier cosa con JSON."""
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
        for name, tensor in sorted(part.state_dict().items()):
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


def claim(out, identity: dict, finished: str, may_change=lambda before: ()) -> bool:
    """Apunta en `out` que su entrenamiento es el de `identity`; devuelve si ya está acabado (`finished`, su archivo).

    Lanza `TrainingError` si lo que hay es de otro, y dice en qué se distingue: salvo en lo que `may_change(before)`
    permite, que se apunta junto a lo de antes; o si no se sabe de cuál es.
    """
    out, identity = Path(out), {"format": FORMAT, **identity}
    before = _read_run(out, finished)
    changed = [] if before is None else changes(before, identity)
    refuse_changes(out, before, identity, [name for name in changed if name not in may_change(before)])
    done = before is not None and not changed and before.get("finished", False) and (out / finished).exists()
    if done and PartialState().is_main_process:
        print(f"{out} ya estaba acabado: no se repite nada.")
    PartialState().wait_for_everyone()  # que nadie lo escriba mientras otro proceso aún lo lee
    if PartialState().is_main_process and not done:
        stages = [] if before is None else before.get("stages", [])
        if changed:
            stages = [*stages, {name: before[name] for name in changed}]
        record = identity | {"processes": PartialState().num_processes}
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
    folder = Path(out).expanduser()
    if not str(out).strip() or folder.resolve() == Path.cwd():
        raise TrainingError(
            'La carpeta de salida (out) está vacía o es esta misma: dale un nombre, por ejemplo "runs/mio".'
        )
    return folder


def _read_run(out: Path, finished: str) -> dict | None:
    """Lo que dice `run.json`, o `None` si en `out` no hay nada hecho: una orden que no llegó a empezar no cuenta."""
    places = (out / finished, out / "model.safetensors", *(out / CHECKPOINTS).glob("checkpoint-*"))
    left = [path.name for path in places if path.exists()]
    if not left:
        return None
    if (out / RUN).exists():
        try:
            run = json.loads((out / RUN).read_text(encoding="utf-8"))
        except (ValueError, OSError):
            run = None
        if not isinstance(run, dict):
            raise TrainingError(
                f"{out / RUN} está dañado y no se sabe de qué entrenamiento es: elige otra carpeta o borra esa."
            )
        return run
    raise TrainingError(
        f"En {out} hay {left[0]} y no se sabe de qué entrenamiento es (falta {RUN}): elige otra carpeta o borra esa."
    )


def mark_finished(out) -> None:
    """Apunta que el entrenamiento de `out` está acabado y entero: es lo último que se escribe."""
    run = json.loads((Path(out) / RUN).read_text(encoding="utf-8"))
    write_json(Path(out) / RUN, run | {"finished": True})


def last_checkpoint(folder, verbose: bool = True, model=None) -> str | None:
    """El punto de control más reciente de `folder` que está entero, o `None`; de los dañados, lo dice.

    `get_last_checkpoint` de transformers devuelve también el que se quedó a medias al morir el proceso, y entonces no
    se puede reanudar (huggingface/transformers#35782). Aquí cuenta solo si todos sus archivos se leen y, si se da el
    `model` que se va a seguir entrenando, si sus pesos son los de ese modelo y son números.
    """
    found = []
    for place in Path(folder).glob("checkpoint-*"):
        step = place.name.removeprefix("checkpoint-")
        if step.isdecimal() and (place / STATE).exists():  # sin él se quedó a medias: no llegó a ser
            found.append((int(step), place))
    damaged = []
    for _, place in sorted(found, reverse=True):
        problem = _damage(place, model)
        if problem is None:
            break
        damaged.append(f"{place.name} ({problem})")
    else:
        place = None
    if damaged and verbose and PartialState().is_main_process:
        then = f"sigo desde {place.name}" if place else "no queda ninguno entero y empiezo de cero"
        print(f"No se puede seguir desde {', '.join(damaged)}: {then}.")
    return str(place) if place else None


def _damage(checkpoint: Path, model=None) -> str | None:
    """Qué le falta o tiene roto un punto de control, o `None`."""
    others = sorted(path.name for pattern in ("*.pt", "*.pth", "*.bin") for path in checkpoint.glob(pattern))
    needed = (STATE, "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state*.pth")
    for name in dict.fromkeys([*needed[:-1], *others]):
        path = checkpoint / name
        if not path.is_file():
            return f"falta {name}"
        try:
            if name == STATE:
                json.loads(path.read_text(encoding="utf-8"))["global_step"]
            elif path.suffix == ".safetensors":
                problem = _wrong_weights(path, model)
                if problem:
                    return f"{name} {problem}"
            elif zipfile.ZipFile(path).testzip():  # los .pt son zip, con su suma de comprobación
                return f"{name} está dañado"
        except (ValueError, KeyError, TypeError, OSError, SafetensorError, zipfile.BadZipFile):
            return f"{name} está dañado"
    return None if list(checkpoint.glob(needed[-1])) else f"falta {needed[-1]}"


def _wrong_weights(path: Path, model) -> str | None:
    """Qué les pasa a los pesos de un punto de control de `model` (`None`: solo se abre), o `None` si nada."""
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
        if model is None:
            return None
        # `lm_head` puede no estar: comparte sus pesos con los embeddings
        expected = {
            name: value for name, value in model.state_dict().items() if not name.startswith("lm_head")
        }
        if {name for name in names if not name.startswith("lm_head")} != set(expected):
            return "no tiene los pesos de este modelo"
        for name, ours in expected.items():
            values = file.get_tensor(name)
            if values.shape != ours.shape:
                return f"no mide lo debido ({name})"
            if not torch.isfinite(values).all():
                return f"trae pesos que no son números ({name})"
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
