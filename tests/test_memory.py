"""La memoria que se calcula antes de entrenar: frente a lo que PyTorch guarda, a un T4 y a un entrenamiento medido."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from test_finetuning_runs import RECIPE, few, folder  # noqa: F401
from transformers import OpenAIGPTConfig

from helpers import memory, reproduction
from helpers.finetuning import PAPER, TrainingError, fine_tune
from helpers.finetuning.batches import largest
from helpers.hf import GPT1LMHeadModel, GPT1Model
from helpers.memory import Batch
from helpers.pretraining.corpus import TokenFile
from helpers.pretraining.recipe import LANGUAGE, PRESETS
from helpers.pretraining.run import fine_tune_language, pretrain
from helpers.tasks import EncodedTask, Truncation, find_task
from helpers.tokenizer import GPT1Tokenizer

DROPOUTS = ("embd_pdrop", "attn_pdrop", "resid_pdrop")


def saved_bytes(blocks: int, batch: Batch, dropout: float, half: bool) -> int:
    """Lo que PyTorch guarda para la pasada hacia atrás de un GPT-1 pequeño, sin contar los propios pesos."""
    config = OpenAIGPTConfig(
        vocab_size=50,
        n_positions=batch.length,
        n_embd=64,
        n_layer=blocks,
        n_head=4,
        **dict.fromkeys(DROPOUTS, dropout),
    )
    model = GPT1Model(config).train()
    known, found, kept = {param.untyped_storage().data_ptr() for param in model.parameters()}, {}, []

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            found[storage.data_ptr()] = storage.nbytes()
            kept.append(tensor)  # si se soltara, otro podría ocupar su dirección
        return tensor

    ids = torch.zeros(batch.sequences, batch.length, dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            model(ids, use_cache=False)
    return sum(found.values())


@pytest.mark.parametrize("length", [32, 128])
@pytest.mark.parametrize(("dropout", "half"), [(0.0, False), (0.1, False), (0.0, True), (0.1, True)])
def test_each_block_keeps_what_is_counted(dropout, half, length):
    batch = Batch(3, length, 0)
    kept = saved_bytes(3, batch, dropout, half) - saved_bytes(2, batch, dropout, half)
    if half:
        kept -= 2 * 12 * 64 * 64  # la copia en 16 bits de los pesos del bloque, que `needed` cuenta aparte
    config = SimpleNamespace(n_layer=1, n_embd=64, n_head=4, resid_pdrop=dropout, attn_pdrop=dropout)
    # en 16 bits y sin GPU, la atención con dropout pasa además q, k y v a fp32: la única parte que no se cuenta
    assert memory.activations(config, batch, half) == pytest.approx(
        kept, rel=0.1 if half and dropout else 0.03
    )


def allocated_peak(step, trace) -> int:
    """Lo más que PyTorch llega a pedir de más mientras se ejecuta `step`, según su propia cuenta."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as record:
        step()
    record.export_chrome_trace(str(trace))
    events = [
        event for event in json.loads(trace.read_text())["traceEvents"] if event.get("name") == "[memory]"
    ]
    totals = [event["args"]["Total Allocated"] for event in sorted(events, key=lambda event: event["ts"])]
    return max(totals) - totals[0]


@pytest.mark.parametrize("accumulates", [False, True])
@pytest.mark.parametrize(
    ("width", "vocabulary", "batch"), [(64, 4000, Batch(4, 64, 256)), (64, 10_000, Batch(1, 8, 8))]
)
@pytest.mark.parametrize(("dropout", "cuda"), [(0.0, False), (0.1, False), (0.0, True)])
def test_a_step_asks_for_what_is_counted(
    monkeypatch, tmp_path, width, vocabulary, batch, accumulates, dropout, cuda
):
    """En el primer tamaño mandan los logits, y en el segundo, los gradientes de los embeddings.

    Sin dropout, una GPU solo se distingue en que los logits no van por trozos.
    """
    monkeypatch.setattr(memory, "SLACK", 1)
    shape = {"n_embd": width, "n_layer": 3, "n_head": 4, "n_positions": batch.length}
    model = GPT1LMHeadModel(
        OpenAIGPTConfig(vocab_size=vocabulary, **shape, **dict.fromkeys(DROPOUTS, dropout))
    )
    model.train()
    ids = torch.zeros(batch.sequences, batch.length, dtype=torch.long)

    def step():
        output = model(ids, labels=ids, use_cache=False, return_logits=cuda)
        loss = output.loss
        del output  # como `Trainer`, que solo se queda con la pérdida
        loss.backward()

    step()  # lo que se crea una sola vez
    weights = 4 * model.num_parameters()
    if not accumulates:
        model.zero_grad()
    already = 2 * weights + accumulates * weights  # Adam no está aquí, y los gradientes acumulados ya estaban
    counted = memory.needed(model, batch, cuda=cuda, accumulates=accumulates) - already
    assert counted == pytest.approx(allocated_peak(step, tmp_path / "trace.json"), rel=0.05)


def gpt1_on_meta():
    config = OpenAIGPTConfig(vocab_size=40481, **dict.fromkeys(DROPOUTS, 0.1))
    with torch.device("meta"):
        return GPT1LMHeadModel(config)


def on_t4(recipe, half=True):
    """Lo que `check_fits` mira de un `Trainer` que usa una GPU con precisión mixta."""
    arguments = SimpleNamespace(
        device=torch.device("cuda"), fp16=half, bf16=False, world_size=1,
        per_device_train_batch_size=recipe.micro_batch, gradient_accumulation_steps=recipe.batch // recipe.micro_batch,
    )  # fmt: skip
    return SimpleNamespace(args=arguments, model=gpt1_on_meta())


def long_texts(task, sequences, length, examples=64):
    """Ejemplos con tantas secuencias y tokens, y el doble que no llegan a la mitad."""
    found = [[[0] * length] * sequences] * examples + [[[0] * (length // 3)] * sequences] * 2 * examples
    return EncodedTask(find_task(task), [{"sequences": one, "label": 0} for one in found], Truncation())


@pytest.mark.parametrize(
    ("task", "sequences", "length", "fits"),
    [
        ("race", 4, 512, 4),
        ("rocstories", 2, 512, 8),
        ("rocstories", 2, 100, 32),
        ("sst2", 1, 70, 32),
        ("qnli", 1, 512, 16),
    ],
)
def test_the_batch_of_the_paper_on_a_t4(monkeypatch, task, sequences, length, fits):
    monkeypatch.setattr(memory, "available", lambda device: 15e9)
    trainer, encoded = on_t4(PAPER), long_texts(task, sequences, length)
    longest = lambda size: largest(encoded, size, with_lm=True)  # noqa: E731
    if fits == PAPER.batch:
        memory.check_fits(trainer, longest)
    else:
        with pytest.raises(
            TrainingError, match=f"micro_batch={fits} .*el lote sigue siendo de 32"
        ) as problem:
            memory.check_fits(trainer, longest)
        assert "quedan 15,0" in str(problem.value)
        memory.check_fits(on_t4(replace(PAPER, micro_batch=fits)), longest)
        with pytest.raises(TrainingError):
            memory.check_fits(on_t4(replace(PAPER, micro_batch=2 * fits)), longest)
    monkeypatch.setattr(memory, "available", lambda device: 1.5e9)
    with pytest.raises(TrainingError, match=r"ni de uno en uno \(micro_batch=1\) cabe"):
        memory.check_fits(trainer, longest)
    monkeypatch.setattr(memory, "available", lambda device: None)
    memory.check_fits(trainer, longest)


def test_the_logits_count_only_when_they_are_made(monkeypatch):
    monkeypatch.setattr(memory, "SLACK", 1)
    encoded = long_texts("sst2", 1, 200)
    with_lm, without = (largest(encoded, 8, with_lm=wanted) for wanted in (True, False))
    assert with_lm == Batch(8, 200, 8 * 199) and without == Batch(8, 200, 0)
    model = gpt1_on_meta()
    saving = memory.needed(model, with_lm, cuda=True) - memory.needed(model, without, cuda=True)
    assert 0 < saving < 12 * 8 * 199 * 40481
    in_chunks = memory.needed(model, with_lm) - memory.needed(model, without)
    assert 0 <= in_chunks < saving / 3 + 4 * 40481 * 768
    assert memory.needed(model, without) > 3 * 4 * model.num_parameters()


def test_what_is_available(monkeypatch, tmp_path):
    path = tmp_path / "meminfo"
    monkeypatch.setattr(memory, "MEMINFO", path)
    assert memory.available("cpu") is None and memory.available("mps") is None
    path.write_text("MemTotal:  8000 kB\nMemFree:  1 kB\nMemAvailable:   3000 kB\nSwapFree:  1000 kB\n")
    assert memory.available("cpu") == 4000 * 1024 and memory.available("mps") is None
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert memory.available("cpu") == 2000 * 1024
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (500, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 70)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 50)
    assert memory.available("cuda") == 520  # lo reservado y sin usar también vale


@pytest.fixture
def small_room(monkeypatch):
    """Una máquina en la que al modelo diminuto le cabe un lote de 4, pero no de 8 frases ni de 16 ventanas."""
    monkeypatch.setattr(memory, "available", lambda device: 5_000_000)


def advised(problem) -> int:
    return int(str(problem.value).split("micro_batch=")[1].split()[0])


def test_fine_tune_does_not_start_and_with_the_advice_it_does(small_room, folder, tmp_path):  # noqa: F811
    settings = {"data": few("sentiment"), "progress": False, "out": tmp_path / "a"}
    with pytest.raises(TrainingError, match="el lote sigue siendo de 8") as problem:
        fine_tune(str(folder), "sentiment", recipe=RECIPE, **settings)
    assert not list(tmp_path.rglob("*.safetensors")) and 1 <= advised(problem) < 8
    result = fine_tune(
        str(folder), "sentiment", recipe=replace(RECIPE, micro_batch=advised(problem)), **settings
    )
    assert len(result.steps) == 8  # en la misma carpeta: repartir el lote no es otra receta


def test_reproduction_goes_on_with_the_advice(small_room, folder, tmp_path, capsys):  # noqa: F811
    arguments = [
        "--tasks",
        "sentiment",
        "--model",
        str(folder),
        "--seeds",
        "1",
        "--out",
        str(tmp_path),
        "--quiet",
    ]
    arguments += ["--batch", "8", "--max-steps", "2", "--train-size", "64"]
    assert reproduction.main([*arguments, "--micro-batch", "8"]) == 1
    advice = capsys.readouterr().err.split("--micro-batch ")[1].split(")")[0]
    assert reproduction.main([*arguments, "--micro-batch", advice]) == 0


def test_pretraining_does_not_start_and_with_the_advice_it_does(small_room, folder, tmp_path):  # noqa: F811
    tokenizer = GPT1Tokenizer.from_pretrained(folder)
    (torch.arange(64 * 32) % 300).to(torch.int16).numpy().tofile(tmp_path / "ids.bin")
    file = TokenFile(str(tmp_path / "ids.bin"), 64 * 32, 10_000, "uint16")
    recipe = replace(PRESETS["mini"], n_layer=2, n_embd=32, n_positions=32, batch=16, warmup=1, dropout=0.1)
    with pytest.raises(TrainingError, match="el lote sigue siendo de 16") as problem:
        pretrain(recipe, file, file, tokenizer, tmp_path / "a", progress=False)
    assert not list((tmp_path / "a").rglob("*.*"))
    recipe = replace(recipe, micro_batch=advised(problem))
    pretrain(recipe, file, file, tokenizer, tmp_path / "a", progress=False)
    assert (tmp_path / "a" / "model.safetensors").exists()


def test_language_fine_tuning_does_not_start_and_with_the_advice_it_does(monkeypatch, folder):  # noqa: F811
    model = GPT1LMHeadModel.from_pretrained(folder)
    tokenizer = GPT1Tokenizer.from_pretrained(folder)
    text = "The old man looked at the sea and did not say a word.\n" * 800
    monkeypatch.setattr(memory, "available", lambda device: 8_000_000)
    recipe = replace(LANGUAGE, batch=4, max_steps=1)
    with pytest.raises(TrainingError, match="el lote sigue siendo de 4") as problem:
        fine_tune_language(model, tokenizer, text, recipe, progress=False)
    fine_tune_language(model, tokenizer, text, replace(recipe, micro_batch=advised(problem)), progress=False)
