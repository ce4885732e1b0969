"""Lo que va y lo que vuelve de la máquina con GPU en que `tools.gpu_train` entrena otros pesos de gpt1-mini.

    python -m tools.new_weights pack  --corpus CARPETA --held-out TSV --out runs/piezas
    python -m tools.new_weights judge --back runs/vuelta --data runs/piezas --out runs/nuevo [--replace]

`pack` deja el corpus en tokens, en piezas comprimidas. `judge` monta el modelo que ha vuelto (y los de sus momentos, en
`momentos/step-N`) y lo compara con el del curso: bits por byte en las mismas ventanas, las seis heurísticas y, con
`--blimp`, los pares de BLiMP; en `comparacion.md` quedan además los veinte comienzos escritos por cada uno. `--replace`
cambia los de `data/gpt1-mini` si los bits por byte bajan y nada empeora, mirando el intervalo del 95 % de cada
diferencia; si no, no toca nada y lo dice.
"""

import hashlib
import lzma
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from helpers import models
from helpers.files import column, json_lines, read_json, write_json, write_text
from helpers.pretraining import PRESETS
from helpers.pretraining.__main__ import parse, prepare
from helpers.pretraining.card import CARD_WINDOWS, samples
from helpers.pretraining.corpus import Windows, all_window_losses, read_token_file
from helpers.pretraining.texts import CorpusError, read_documents, read_titles, split_held_out
from helpers.tasks import TaskError
from helpers.terminal import Parser, command
from helpers.training import fingerprint
from helpers.zeroshot import MinimalPair, minimal_pairs, probes

MODEL_FILES = ("config.json", "generation_config.json", "vocab.json", "merges.txt")
CHANGED = ("model.safetensors", "history.json", "recipe.json")


def pack(corpus, held_out: str, out: Path, model: Path, pieces: int, processes: int | None) -> None:
    """Escribe en `out` `pieces` piezas del corpus, las ventanas apartadas y `pieces.json`; si se corta, sigue."""
    settings = ["--held-out", held_out, "--tokenizer", model, "--tokens", out, "--out", out]
    _, (train, test) = prepare(
        parse(
            [
                *map(str, ["--corpus", *corpus, *settings]),
                *(["--processes", str(processes)] if processes else []),
            ]
        )
    )
    config = read_json(model / "config.json", CorpusError)
    windows = Windows(test, config["n_positions"], CARD_WINDOWS)
    np.save(
        out / "held_out.npy", np.stack([windows[n]["input_ids"] for n in range(len(windows))]).astype("<u2")
    )
    found = []
    for number, ids in enumerate(np.array_split(train.array(), pieces)):
        content = lzma.compress(ids.astype("<u2").tobytes())
        path = out / f"train-{number}.xz"
        path.write_bytes(content)
        found.append({"name": path.name, "tokens": len(ids), "sha256": hashlib.sha256(content).hexdigest()})
        print(f"{path}: {len(ids)} tokens en {len(content) / 2**20:.1f} MiB")
    by_number = held_out.isdecimal()
    every, titles = (int(held_out), None) if by_number else (0, read_titles(held_out))
    read = [document.name for document in split_held_out(read_documents(corpus), titles, every)[0]]
    about = {"config": config, "bytes_per_token": test.bytes_per_token, "pieces": found}
    write_json(out / "pieces.json", about | {"id": fingerprint(about), "titles": sorted(read)})


def build(back: Path, data: Path, out: Path, model: Path) -> None:
    """Monta en `out` el modelo que ha vuelto a `back`, en la forma de `model`, y en `out/momentos` los anteriores."""
    decision, history = (read_json(back / f"{name}.json", CorpusError) for name in ("decision", "history"))
    about = read_json(data / "pieces.json", CorpusError)
    if not (back / "final.safetensors").is_file() or decision["settings"]["corpus"] != about["id"]:
        raise CorpusError(
            f"En {back} no están los pesos finales, o no son del corpus de {data}: tráelos todos."
        )
    for weights in [*back.glob("step-*.safetensors"), back / "final.safetensors"]:
        folder = out if weights.stem == "final" else out / "momentos" / weights.stem
        folder.mkdir(parents=True, exist_ok=True)
        for name in MODEL_FILES:
            shutil.copy(model / name, folder)
        shutil.copy(weights, folder / "model.safetensors")
    settings, chosen = decision["settings"], decision["chosen"]
    config, batch = about["config"], settings["batch"]
    recipe = replace(
        PRESETS["mini"], **{name: config[name] for name in ("n_layer", "n_embd", "n_head", "n_positions")},
        learning_rate=chosen["rate"], batch=batch, micro_batch=batch, warmup=settings["warmup"],
        schedule="warmup_stable_decay", decay_steps=chosen["decay"], dropout=settings["dropout"],
        max_steps=history[-1]["step"], eval_windows=CARD_WINDOWS, seed=settings["seed"], precision="bf16",
    )  # fmt: skip
    told = {"optimizer": chosen["optimizer"], "machine": decision["machine"], "torch": decision["torch"]}
    data = {"tokens": sum(piece["tokens"] for piece in about["pieces"]), "train": about["titles"]}
    write_json(out / "recipe.json", asdict(recipe) | told | {"trials": decision["trials"], "data": data})
    write_json(out / "history.json", history)


def compare(new, old, tokenizer, held_out, blimp: Path | None) -> list[dict]:
    """Una fila por medida, con los mismos textos: antes, ahora y el intervalo del 95 % de la diferencia."""
    windows = Windows(held_out, new.config.n_positions, CARD_WINDOWS)
    bits = [
        all_window_losses(model, windows).numpy() / np.log(2) / held_out.bytes_per_token
        for model in (old, new)
    ]
    apart = bits[1] - bits[0]  # la misma ventana con uno y con otro
    half = 1.96 * apart.std(ddof=1) / len(apart) ** 0.5
    rows = [
        _row("bits por byte", bits[0].mean(), bits[1].mean(), (apart.mean() - half, apart.mean() + half), -1)
    ]
    results = [probes(tokenizer, limit=None).results(model) for model in (old, new)]
    if blimp:
        pairs = read_blimp(blimp)
        for found, model in zip(results, (old, new), strict=True):
            found["blimp"] = minimal_pairs(model, tokenizer, pairs, baselines=False, resamples=0)
    for name, now in results[1].items():
        before = results[0][name]
        now.baselines["antes"], now.baseline_counts["antes"] = before.score, before.counts
        rows.append(_row(name, before.score, now.score, now.against("antes")[1], 1))
    return rows


def _row(name, before, now, interval, better) -> dict:
    """`better` es hacia dónde mejora, 1 o -1."""
    worse = interval[1] < 0 if better == 1 else interval[0] > 0
    clear = interval[0] > 0 if better == 1 else interval[1] < 0
    told = {"before": float(before), "now": float(now), "interval": [float(end) for end in interval]}
    return {"name": name, **told, "worse": bool(worse), "clearly_better": bool(clear)}


def read_blimp(folder: Path, each: int = 40) -> list[MinimalPair]:
    """Los `each` primeros pares de cada `.jsonl` de BLiMP (`sentence_good`, `sentence_bad`)."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        rows = [
            MinimalPair(column(place, row, "sentence_good"), column(place, row, "sentence_bad"), path.stem)
            for place, row in json_lines(path, TaskError)
        ]
        found += rows[:each]
    if not found:
        raise TaskError(f"En {folder} no hay ningún .jsonl de BLiMP.")
    return found


def why_not(rows: list[dict]) -> str:
    """Por qué no se cambian los pesos; vacío, si se pueden cambiar."""
    worse = [row["name"] for row in rows if row["worse"]]
    told = [] if rows[0]["clearly_better"] else ["los bits por byte no bajan claramente"]
    return "; ".join(told + ([f"empeora {', '.join(worse)}"] if worse else []))


def judge(back: Path, data: Path, out: Path, model: Path, blimp: Path | None, replacing: bool) -> None:
    """Monta, compara y, si se pide y se puede, cambia; lanza `CorpusError` si se pide y no se puede."""
    build(back, data, out, model)
    held_out = read_token_file(data / "held_out.bin")
    if held_out is None:
        raise CorpusError(f"En {data} falta held_out.bin o no está entero: lo hace `pack`.")
    (old, tokenizer), (new, _) = (models.load(str(folder), verbose=False) for folder in (model, out))
    rows = compare(new, old, tokenizer, held_out, blimp)
    lines = ["| medida | antes | ahora | diferencia (95 %) |", "|---|---|---|---|"]
    for row in rows:
        low, high = row["interval"]
        lines.append(f"| {row['name']} | {row['before']:.4f} | {row['now']:.4f} | {low:+.4f} … {high:+.4f} |")
    print("\n".join(lines))
    for title, one in (("antes", old), ("ahora", new)):
        lines += ["", f"## Los comienzos, {title}", ""]
        lines += [
            f"{n}. {' ↵ '.join(text.splitlines())}" for n, text in enumerate(samples(one, tokenizer), 1)
        ]
    write_text(out / "comparacion.md", "\n".join(lines) + "\n")
    refused = why_not(rows)
    write_json(out / "comparacion.json", {"rows": rows, "why_not": refused})
    if refused and replacing:
        raise CorpusError(f"No cambio los pesos de {model}: {refused}.")
    print(f"No conviene cambiarlos: {refused}." if refused else "Se pueden cambiar.")
    if replacing:
        for name in CHANGED:
            shutil.copy(out / name, model)
        print(f"Cambiados los de {model}: sigue lo que dice CONTRIBUTING.md.")


@command(CorpusError, TaskError, models.ModelError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m tools.new_weights", description=__doc__)
    verbs = parser.add_subparsers(dest="what", required=True, metavar="pack | judge")
    one = verbs.add_parser("pack", description="Del corpus a las piezas.")
    one.add_argument("--corpus", nargs="+", required=True, help="archivos o carpetas con .txt o .jsonl")
    one.add_argument("--held-out", required=True, help="TSV con los títulos que se apartan, o uno de cada n")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--pieces", type=int, default=2, help="en cuántas se parte")
    one.add_argument("--processes", type=int, help="procesos para tokenizar")
    two = verbs.add_parser("judge", description="De lo que ha vuelto a unos pesos nuevos, si son mejores.")
    two.add_argument(
        "--back", type=Path, required=True, help="carpeta con lo que ha vuelto, de todos los viajes"
    )
    two.add_argument("--data", type=Path, required=True, help="carpeta de las piezas")
    two.add_argument("--out", type=Path, required=True, help="carpeta del modelo nuevo")
    two.add_argument("--blimp", type=Path, help="carpeta con los .jsonl de BLiMP")
    two.add_argument("--replace", action="store_true", help="cambia los pesos, si son mejores")
    for verb in (one, two):
        verb.add_argument("--model", type=Path, default=models.MINI, help="el modelo que se cambia")
    options = parser.parse_args(arguments)
    if options.what == "pack":
        pack(options.corpus, options.held_out, options.out, options.model, options.pieces, options.processes)
    else:
        judge(options.back, options.data, options.out, options.model, options.blimp, options.replace)
    return 0


if __name__ == "__main__":
    sys.exit(main())
