"""Entrena unos pesos nuevos de gpt1-mini donde haya una GPU; allí hacen falta torch (≥ 2.9), numpy y safetensors.

    python -m tools.gpu_train plan  --data piezas                    # cuánto tardaría, sin entrenar
    python -m tools.gpu_train check --data piezas --out runs/gpu     # velocidad y tasas: decision.json
    python -m tools.gpu_train train --data piezas --out runs/gpu --seconds 520 --ship vuelta

Las piezas las hace `tools.new_weights pack`, que también recoge lo que vuelve. Si algo se interrumpe, la misma orden
sigue donde iba: se pierden como mucho `--save-every` actualizaciones de `train`, o una prueba de `check`. En `--ship`
queda lo que hay que traerse, en archivos de menos de 16 MiB: los pesos fp16 de cada momento, la historia y, si aún no
ha acabado, el estado en trozos, con el que sigue otra máquina (van en su `--out`). El modelo es el de la lección 08.
"""

import hashlib
import json
import lzma
import math
import os
import pickle
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from helpers.files import read_json, write_json
from helpers.gpt import GPT1
from helpers.spanish import number
from helpers.terminal import Parser, command

STATE, BETAS, DECAY, MAX_NORM = "state.pt", (0.9, 0.98), 0.01, 1.0
PATIENCE = 3  # pases seguidos en que la pérdida de lo apartado no baja, antes de empezar la bajada final
SETTINGS = ("batch", "warmup", "dropout", "seed", "check_updates", "train_seconds", "max_passes")
MOMENTS = [64, 256, 1024, 4096]
KEPT = (
    "step",
    "updates",
    "decay",
    "seconds",
    "history",
    "loss",
)  # lo que hace falta para retomar, además de los pesos
FILE, TRIP, TRIP_FILES = 15 * 2**20, 62 * 2**20, 8  # lo que cabe, en bytes, en un archivo y en un viaje
# Solo para `plan`, antes de medir: bf16 sin dispersión de una H100 SXM (hoja de datos de NVIDIA) y la parte que
# aprovecharía un modelo tan estrecho. Es una suposición; la velocidad de verdad la mide `check`.
PEAK_FLOPS, ASSUMED_SHARE, ASSUMED_COMPILATION = 989e12, 0.05, 60


class KitError(Exception):
    """Faltan piezas o lo que hay es de otro entrenamiento; el mensaje dice qué hacer."""


class Corpus:
    """Lo que dice `pieces.json` y, tras `load`, los tokens [N] y las ventanas apartadas [ventanas, T]."""

    def __init__(self, folder: Path):
        self.folder, about = folder, read_json(folder / "pieces.json", KitError)
        self.pieces, self.config, self.id = about["pieces"], about["config"], about["id"]
        self.bytes_per_token = about["bytes_per_token"]
        self.total = sum(piece["tokens"] for piece in self.pieces)

    def load(self, whole: bool) -> "Corpus":
        """Lee las piezas que haya; lanza `KitError` si no hay ninguna entera o, con `whole`, si falta alguna."""
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda piece: _unpacked(self.folder / piece["name"], piece), self.pieces))
        missing = [piece["name"] for piece, ids in zip(self.pieces, found, strict=True) if ids is None]
        if missing and (whole or len(missing) == len(found)):
            raise KitError(f"En {self.folder} faltan piezas o no están enteras: {', '.join(missing)}.")
        self.tokens = np.concatenate([ids for ids in found if ids is not None])
        self.held_out = np.load(self.folder / "held_out.npy").astype(np.int64)
        return self


def _unpacked(path: Path, piece: dict) -> np.ndarray | None:
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != piece["sha256"]:
        return None
    return np.frombuffer(lzma.decompress(content), dtype="<u2")


def make_optimizers(model, kind: str) -> list:
    """AdamW para todo o, con `muon`, Muon para las matrices de los bloques y AdamW para lo demás.

    `match_rms_adamw` deja el paso de Muon del tamaño del de AdamW, y así vale la misma tasa.
    """
    vectors = [p for p in model.parameters() if p.ndim == 1]
    matrices = [p for p in model.h.parameters() if p.ndim == 2]
    tables = [model.tokens_embed.weight, model.positions_embed.weight]
    decayed = tables if kind == "muon" else tables + matrices
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    found = [torch.optim.AdamW(groups, betas=BETAS, fused=True)]
    if kind == "muon":
        found.append(torch.optim.Muon(matrices, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"))
    return found


class Training:
    """Un entrenamiento que se puede guardar y retomar tras cualquier actualización; en la CPU, bit a bit."""

    def __init__(self, corpus: Corpus, settings: dict, compiled: bool):
        self.corpus, self.settings = corpus, settings
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(settings["seed"])
        pdrop = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), settings["dropout"])
        self.model = GPT1(SimpleNamespace(**corpus.config | pdrop)).to(self.device)
        self.initial = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.length, self.batch = corpus.config["n_positions"], settings["batch"]
        self.tokens = torch.from_numpy(corpus.tokens.astype(np.int32)).to(self.device)
        # caben desplazadas hasta `length` - 1 tokens
        self.windows = (len(corpus.tokens) - self.length) // self.length
        self.per_pass = self.windows // self.batch  # actualizaciones
        if not self.per_pass:
            raise KitError(f"El corpus da {self.windows} ventanas y un lote pide {self.batch}: baja --batch.")
        self.inside = torch.arange(self.length, device=self.device)
        self.loss_of = torch.compile(self._loss) if compiled and self.device == "cuda" else self._loss
        self.known_pass = None

    def restart(self, optimizer: str, rate: float, updates: int, decay: int) -> None:
        """Los mismos pesos al azar de siempre, con otro optimizador y otra duración."""
        self.model.load_state_dict(self.initial)
        self.optimizers = make_optimizers(self.model, optimizer)
        self.rate, self.updates, self.decay = rate, updates, decay
        self.step, self.seconds, self.history, self.loss, self.saved = 0, 0.0, [], None, 0

    def finish(self, decay: int | None = None) -> None:
        """Empieza ya la bajada final de la tasa, si no ha empezado o si con `decay` acaba antes."""
        decay = decay or self.decay
        if self.step + decay < self.updates:
            self.updates, self.decay = self.step + decay, decay

    def rate_now(self) -> float:
        up = (self.step + 1) / max(1, self.settings["warmup"])
        return self.rate * min(1.0, up, (self.updates - self.step) / self.decay)

    def ids(self) -> torch.Tensor:
        """El lote de esta actualización [lote, T]: depende solo de la semilla y de cuántas van.

        En cada pase las ventanas se barajan y la rejilla empieza en otro sitio: cada token ve otros contextos.
        """
        number, index = divmod(self.step, self.per_pass)
        if number != self.known_pass:
            random = np.random.default_rng((self.settings["seed"], number))
            starts = random.permutation(self.windows) * self.length + random.integers(self.length)
            self.starts, self.known_pass = torch.from_numpy(starts).to(self.device), number
        chosen = self.starts[index * self.batch : (index + 1) * self.batch]
        return self.tokens[chosen[:, None] + self.inside].long()

    def _loss(self, ids):
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device == "cuda"):
            logits = self.model(ids)[:, :-1]
        return F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())

    def update(self) -> None:
        self.model.train(self.step >= self.per_pass)  # dropout, cuando los textos se repiten
        torch.manual_seed(self.settings["seed"] + self.step)  # al retomar, el mismo dropout
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate_now()
        loss = self.loss_of(self.ids())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_NORM)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        seen = loss.detach()
        self.loss = seen if self.loss is None else self.loss.lerp(seen, 0.05)

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """La pérdida media en lo apartado, en fp32: la misma cuenta que la de la ficha."""
        self.model.eval()
        losses = []
        for rows in np.array_split(self.corpus.held_out, math.ceil(len(self.corpus.held_out) / 64)):
            ids = torch.from_numpy(rows).to(self.device)
            each = F.cross_entropy(self.model(ids)[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
            losses.append(each.mean(dim=1))
        return torch.cat(losses).mean().item()

    def measure(self) -> dict:
        loss = self.held_out_loss()
        record = {
            "step": self.step,
            "tokens": self.step * self.batch * self.length,
            "train_loss": self.loss.item(),
            "held_out_loss": loss,
            "held_out_perplexity": math.exp(loss),
            "bits_per_byte": loss / math.log(2) / self.corpus.bytes_per_token,
            "seconds": round(self.seconds, 1),
        }
        self.history.append(record)
        return record

    def rises(self) -> bool:
        """¿Llevan `PATIENCE` pases enteros sin bajar de la mejor pérdida de un pase anterior?"""
        losses = [one["held_out_loss"] for one in self.history if one["step"] % self.per_pass == 0]
        return len(losses) > PATIENCE and min(losses[-PATIENCE:]) >= min(losses[:-PATIENCE])

    def synchronize(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def save(self, path: Path, identity: str) -> None:
        """De una vez. Los momentos van en bf16, y aquí se redondean igual: seguir y retomar dan lo mismo."""
        if not math.isfinite(self.loss):
            raise KitError(f"En la actualización {self.step} la pérdida ya no es un número: baja la tasa.")
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        for one in optimizers:
            one["state"] = {number: _rounded(state) for number, state in one["state"].items()}
        told = {name: getattr(self, name) for name in KEPT} | {"identity": identity}
        partial = path.with_suffix(".tmp")
        torch.save(told | {"model": self.model.state_dict(), "optimizers": optimizers}, partial)
        os.replace(partial, path)
        self.saved = self.step

    def resume(self, path: Path, identity: str) -> None:
        try:
            told = torch.load(path, map_location=self.device, weights_only=True)
        except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise KitError(f"{path} está dañado: bórralo, y empezará de nuevo.") from error
        if told["identity"] != identity:
            raise KitError(f"{path} es de otra decisión: elige otra carpeta (--out) o bórralo.")
        self.model.load_state_dict(told["model"])
        for optimizer, state in zip(self.optimizers, told["optimizers"], strict=True):
            optimizer.load_state_dict(state)  # vuelve a fp32, como los pesos
        for name in KEPT:
            setattr(self, name, told[name])
        self.saved = self.step

    def save_half(self, path: Path) -> None:
        """Los pesos en fp16, con los nombres de `GPT1LMHeadModel`."""
        weights = {f"transformer.{name}": p.half() for name, p in self.model.state_dict().items()}
        partial = path.with_suffix(".tmp")
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, partial, {"format": "pt"})
        os.replace(partial, path)


def _rounded(state: dict) -> dict:
    for value in state.values():
        if value.ndim:
            value.copy_(value.bfloat16())
    return {name: value.bfloat16() if value.ndim else value for name, value in state.items()}


def planned(corpus: Corpus, settings: dict, speed: float) -> tuple[int, float]:
    """(actualizaciones, pases) que caben a `speed` tokens por segundo; un 10 % es para medir y guardar."""
    tokens = settings["batch"] * corpus.config["n_positions"]
    fits = 0.9 * settings["train_seconds"] * speed
    updates = max(1, int(min(fits, corpus.total * settings["max_passes"]) / tokens))
    return updates, updates * tokens / corpus.total


def check(corpus: Corpus, options) -> None:
    """Mide la velocidad y prueba cada optimizador con cada tasa, de cero; lo elegido queda en `decision.json`."""
    path = options.out / "decision.json"
    settings = {name: getattr(options, name) for name in SETTINGS} | {"corpus": corpus.id}
    decision = read_json(path, KitError) if path.exists() else {"settings": settings, "trials": []}
    if decision["settings"] != settings:
        raise KitError(f"{path} es de otras opciones u otro corpus: elige otra carpeta (--out) o bórralo.")
    training = Training(corpus, settings, options.compile)
    updates, batch_tokens = settings["check_updates"], training.batch * training.length
    done = {(trial["optimizer"], trial["rate"]) for trial in decision["trials"]}
    for kind in options.optimizers:
        for rate in options.rates:
            if (kind, rate) in done:
                continue
            training.restart(kind, rate, updates, max(1, updates // 4))
            skipped = max(1, updates // 10)  # las primeras compilan
            while training.step < updates:
                training.update()
                if training.step == skipped:
                    training.synchronize()
                    started = time.perf_counter()
            training.synchronize()
            speed = (updates - skipped) * batch_tokens / (time.perf_counter() - started)
            loss = training.held_out_loss()
            trial = {"optimizer": kind, "rate": rate, "held_out_loss": loss if math.isfinite(loss) else None}
            decision["trials"].append(trial | {"tokens_per_second": round(speed)})
            print(decision["trials"][-1], flush=True)
            write_json(path, decision)
    good = [trial for trial in decision["trials"] if trial["held_out_loss"] is not None]
    if not good:
        raise KitError("Con todas las tasas la pérdida deja de ser un número: añade otras menores a --rates.")
    best = min(good, key=lambda trial: trial["held_out_loss"])
    if best["rate"] == max(options.rates):
        print("La mejor tasa es la mayor de las probadas: con otra más en --rates solo se prueba la nueva.")
    updates, passes = planned(corpus, settings, best["tokens_per_second"])
    chosen = {name: best[name] for name in ("optimizer", "rate", "tokens_per_second")}
    chosen |= {"updates": updates, "decay": max(1, updates // 5), "passes": round(passes, 2)}
    machine = torch.cuda.get_device_name() if training.device == "cuda" else "CPU"
    write_json(path, decision | {"chosen": chosen, "machine": machine, "torch": torch.__version__})
    print(f"Elegido: {chosen}")


def train(corpus: Corpus, options) -> None:
    """Entrena hasta acabar o hasta que pasen `--seconds`, y deja en `--ship` lo que hay que traerse."""
    decision = read_json(options.out / "decision.json", KitError)
    if "chosen" not in decision or decision["settings"]["corpus"] != corpus.id:
        raise KitError("decision.json está a medias o es de otro corpus: antes va `check`.")
    started, chosen = time.perf_counter(), decision["chosen"]
    training = Training(corpus, decision["settings"], options.compile)
    training.restart(**{name: chosen[name] for name in ("optimizer", "rate", "updates", "decay")})
    identity = hashlib.sha256(json.dumps(decision, sort_keys=True).encode()).hexdigest()
    state = options.out / STATE
    _join(options.out)
    if state.exists():
        training.resume(state, identity)
    if options.finish:
        training.finish(options.finish)
    before, moments = training.seconds, set(options.moments)

    def save():
        training.seconds = before + time.perf_counter() - started
        training.save(state, identity)
        write_json(options.out / "history.json", training.history)

    try:
        while training.step < training.updates and time.perf_counter() - started < options.seconds:
            training.update()
            step, pass_ends = training.step, training.step % training.per_pass == 0
            last = step == training.updates
            if pass_ends or last or step in moments or (step >= 16 and step & (step - 1) == 0):
                training.seconds = before + time.perf_counter() - started
                print(training.measure(), flush=True)
            if pass_ends and training.rises():
                training.finish()
            if step in moments:
                training.save_half(options.out / f"step-{step}.safetensors")
            if step % options.save_every == 0:
                save()
        if training.step:
            save()
        if training.step == training.updates:
            training.save_half(options.out / "final.safetensors")
    finally:  # también si falla: lo último que se guardó
        if options.ship:
            ship(options.out, options.ship, training.saved)
    print(f"{training.step} de {training.updates} actualizaciones.")


def ship(out: Path, folder: Path, step: int) -> None:
    """Copia a `folder` lo que cabe en un viaje: primero lo que hace falta para seguir y, después, los momentos."""
    folder.mkdir(parents=True, exist_ok=True)
    noted = out / "shipped.json"
    shipped = read_json(noted, KitError) if noted.exists() else []
    for name in ("decision.json", "history.json"):
        if (out / name).exists():
            shutil.copy(out / name, folder)
    done = out / "final.safetensors"
    if done.exists():
        shutil.copy(done, folder)
    elif (out / STATE).exists():
        content = (out / STATE).read_bytes()
        parts = [content[at : at + FILE] for at in range(0, len(content), FILE)]
        for number, part in enumerate(parts):
            (folder / f"state-{step}-{number}-{len(parts)}").write_bytes(part)
    for path in sorted(out.glob("step-*.safetensors"), key=_step):
        there = [one.stat().st_size for one in folder.iterdir()]
        fits = sum(there) + path.stat().st_size <= TRIP and len(there) < TRIP_FILES
        if path.name not in shipped and fits:
            shutil.copy(path, folder)
            shipped.append(path.name)
    write_json(noted, shipped)


def _step(path: Path) -> int:
    return int(path.stem.partition("-")[2])


def _join(out: Path) -> None:
    """Si no hay estado y han vuelto sus trozos, lo hace con los de la actualización más alta que estén todos."""
    parts = {}
    for path in out.glob("state-*-*-*"):
        _, step, number, total = path.name.split("-")
        parts.setdefault((int(step), int(total)), {})[int(number)] = path
    whole = [key for key, found in parts.items() if len(found) == key[1]]
    if whole and not (out / STATE).exists():
        found = parts[max(whole)]
        (out / STATE).write_bytes(b"".join(found[number].read_bytes() for number in range(len(found))))


def plan(corpus: Corpus, options) -> None:
    """Escribe qué hará y cuánto tardará: con lo que midió `check`, si lo hay; si no, con una suposición."""
    config, batch_tokens = corpus.config, options.batch * corpus.config["n_positions"]
    model = GPT1(SimpleNamespace(**config))
    parameters = sum(p.numel() for p in model.parameters()) - model.positions_embed.weight.numel()
    # por token: 6 por parámetro y la atención causal, ida y vuelta
    flops = 6 * parameters + 6 * config["n_layer"] * config["n_embd"] * config["n_positions"]
    decision = options.out / "decision.json"
    if decision.exists() and "chosen" in (measured := read_json(decision, KitError)):
        chosen = measured["chosen"]
        speed, updates = chosen["tokens_per_second"], chosen["updates"]
        print(
            f"Velocidad medida en {measured['machine']}: {number(speed / 1e6, 2)} millones de tokens por segundo."
        )
    else:
        speed = ASSUMED_SHARE * PEAK_FLOPS / flops
        updates, _ = planned(corpus, vars(options), speed)
        peak, share = number(PEAK_FLOPS / 1e12), number(100 * ASSUMED_SHARE)
        print(
            f"Suposición, sin medir nada: el {share} % de los {peak} TFLOP/s en bf16 de una H100 (hoja de datos), con "
            f"{number(flops / 1e6, 1)} MFLOP por token, son {number(speed / 1e6, 2)} millones de tokens por segundo. "
            "Lo de verdad lo mide `check`."
        )
    trials = len(options.optimizers) * len(options.rates)
    tried = trials * options.check_updates * batch_tokens / speed
    tokens = updates * batch_tokens
    passes = number(tokens / corpus.total, 1)
    told = f"{number(updates)} actualizaciones de {number(batch_tokens)} tokens, {passes} pases"
    rows = {  # `train` compila dos veces: sin dropout y con él
        f"check, {trials} pruebas de {options.check_updates} actualizaciones": ASSUMED_COMPILATION + tried,
        f"train, {told}": 2 * ASSUMED_COMPILATION + tokens / speed / 0.9,
    }
    for name, seconds in [*rows.items(), ("en total, sin contar los viajes", sum(rows.values()))]:
        print(f"{name}: {number(seconds)} s ({number(seconds / 60, 1)} min)")
    print(f"En ello, {ASSUMED_COMPILATION} s por cada compilación, también supuestos.")


@command(KitError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m tools.gpu_train", description=__doc__)
    parser.add_argument("what", choices=("plan", "check", "train"), help="qué hacer")
    parser.add_argument("--data", required=True, type=Path, help="carpeta de las piezas")
    parser.add_argument("--out", default="runs/gpu", type=Path, help="carpeta del entrenamiento")
    group = parser.add_argument_group("check")
    group.add_argument("--optimizers", nargs="+", choices=("adamw", "muon"), default=["adamw", "muon"])
    group.add_argument(
        "--rates", nargs="+", type=float, default=[1e-3, 2e-3, 4e-3], help="las que se prueban"
    )
    group.add_argument("--check-updates", type=int, default=400, help="actualizaciones de cada prueba")
    group.add_argument("--batch", type=int, default=128, help="ventanas por actualización")
    group.add_argument("--warmup", type=int, default=100, help="actualizaciones de subida")
    group.add_argument("--dropout", type=float, default=0.1, help="desde el segundo pase (artículo, §4.1)")
    group.add_argument("--train-seconds", type=int, default=1000, help="lo que debe durar train en total")
    group.add_argument("--max-passes", type=int, default=40, help="pases por el corpus como mucho")
    group.add_argument("--seed", type=int, default=0)
    group = parser.add_argument_group("train")
    group.add_argument("--seconds", type=float, default=520, help="lo que dura esta orden como mucho")
    group.add_argument("--ship", type=Path, help="carpeta vacía donde se deja lo que hay que traerse")
    group.add_argument("--save-every", type=int, default=500, help="actualizaciones")
    group.add_argument("--moments", nargs="*", type=int, default=MOMENTS, help="los que guardan sus pesos")
    group.add_argument("--finish", type=int, help="actualizaciones en que acabar, bajando ya la tasa")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="sin torch.compile")
    options = parser.parse_args(arguments)
    corpus = Corpus(options.data)
    if options.what == "plan":
        plan(corpus, options)
    elif options.what == "check":
        check(corpus.load(whole=False), options)  # basta con las piezas que hayan llegado
    else:
        train(corpus.load(whole=True), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
