"""La receta frente a opt.py en NumPy: Adam, decaimiento, recorte global, tasa de aprendizaje y lotes."""

import argparse
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_finetuning import examples, tiny
from transformers import TrainingArguments

from helpers.finetuning import MINI, PAPER, FineTuningRecipe, OpenAIAdam, decay_groups, warmup_linear
from helpers.finetuning.__main__ import add_options, asked_recipe
from helpers.finetuning.batches import LengthBatches, by_length
from helpers.finetuning.metrics import compute
from helpers.finetuning.trainer import BestWeights, TaskTrainer, task_trainer
from helpers.tasks import EncodedTask, Truncation, find_task, pad
from helpers.training import TrainingError

LR, DECAY = 1e-2, 0.01


def oracle_schedule(x, warmup=0.002):
    s = float(x <= warmup)
    return (s * (x / warmup) + (1 - s)) * (1 - x)


def oracle_adam(params, gradients, lr, total, b1=0.9, b2=0.999, e=1e-8, l2=DECAY, max_grad_norm=-1.0):
    """opt.py, `adam`, en NumPy: `gradients[t]` son los de la actualización t."""
    params = [p.astype(np.float64) for p in params]
    m, v = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
    for t, grads in enumerate(gradients):
        if max_grad_norm > 0:
            norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads))
            grads = [g * max_grad_norm / max(norm, max_grad_norm) for g in grads]
        step = lr * np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1)) * oracle_schedule(t / total)
        for i, g in enumerate(grads):
            m[i], v[i] = b1 * m[i] + (1 - b1) * g, b2 * v[i] + (1 - b2) * g * g
            decay = l2 * params[i] if params[i].ndim > 1 else 0.0
            params[i] = params[i] - step * (m[i] / (np.sqrt(v[i]) + e) + decay)
    return params


def random_problem(updates=60, scale=1.0):
    random = np.random.default_rng(0)
    shapes = [(5, 4), (4,), (3, 2)]
    params = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    gradients = [
        [(scale * random.normal(size=shape)).astype(np.float32) for shape in shapes] for _ in range(updates)
    ]
    return params, gradients


def run(optimizer_class, params, gradients, total, **settings):
    tensors = [torch.nn.Parameter(torch.tensor(p, dtype=torch.float64)) for p in params]
    module = torch.nn.ParameterList(tensors)
    optimizer = optimizer_class(decay_groups(module, DECAY), lr=LR, **settings)
    for t, grads in enumerate(gradients):
        for group in optimizer.param_groups:
            group["lr"] = LR * warmup_linear(t, total)
        for tensor, g in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
    return [tensor.detach().numpy() for tensor in tensors]


@pytest.mark.parametrize("scale", [1.0, 1e-7])
@pytest.mark.parametrize("fused", [False, True])
def test_openai_adam_is_the_original(scale, fused):
    params, gradients = random_problem(scale=scale)
    found = run(OpenAIAdam, params, gradients, 100, fused=fused)
    for ours, theirs in zip(found, oracle_adam(params, gradients, LR, 100), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7)


def test_torch_adamw_is_close_but_not_the_same():
    """Con gradientes corrientes difiere en el decaimiento; con gradientes del orden de ε, en el propio paso."""
    params, gradients = random_problem()
    expected = oracle_adam(params, gradients, LR, 100)
    found = run(torch.optim.AdamW, params, gradients, 100)
    moved = [abs(theirs - start) for theirs, start in zip(expected, params, strict=True)]
    gaps = [abs(ours - theirs) for ours, theirs in zip(found, expected, strict=True)]
    assert np.allclose(gaps[1], 0, atol=1e-6)  # sin decaimiento, iguales
    assert 0.01 < gaps[0].mean() / moved[0].mean() < 0.1  # casi un 4 % del camino recorrido
    params, gradients = random_problem(scale=1e-7)
    expected = oracle_adam(params, gradients, LR, 100)
    found = run(torch.optim.AdamW, params, gradients, 100)
    moved = abs(expected[1] - params[1]).mean()
    assert abs(found[1] - expected[1]).mean() > 0.1 * moved


def test_the_state_of_the_optimizer_survives_saving():
    params, gradients = random_problem(updates=6)
    tensor = torch.nn.Parameter(torch.tensor(params[0]))
    optimizer = OpenAIAdam([tensor], lr=LR)
    for index, (g, _, _) in enumerate(gradients):
        if index == 3:
            again = OpenAIAdam([tensor], lr=LR)
            again.load_state_dict(optimizer.state_dict())
            optimizer = again
        tensor.grad = torch.tensor(g)
        optimizer.step()
    assert optimizer.param_groups[0]["updates"] == 6
    straight = torch.nn.Parameter(torch.tensor(params[0]))
    reference = OpenAIAdam([straight], lr=LR)
    for g, _, _ in gradients:
        straight.grad = torch.tensor(g)
        reference.step()
    assert torch.equal(tensor, straight)


def test_decay_is_for_tensors_of_rank_two():
    model = tiny("entailment")
    decayed, plain = (set(map(id, group["params"])) for group in decay_groups(model, DECAY))
    for name, param in model.named_parameters():
        is_matrix = not name.endswith("bias") and ".ln_" not in name
        assert (id(param) in decayed) == is_matrix and (id(param) in plain) != is_matrix, name
    assert id(model.transformer.tokens_embed.weight) in decayed
    assert id(model.transformer.positions_embed.weight) in decayed


def test_schedule():
    assert [warmup_linear(t, 138) for t in range(138)] == pytest.approx(
        [oracle_schedule(t / 138) for t in range(138)]
    )
    assert warmup_linear(0, 138) == 0.0  # la primera actualización no mueve nada
    assert warmup_linear(1, 138) == pytest.approx(
        137 / 138
    )  # y la segunda ya está arriba: 0,2 % de 138 no es ni una
    ramp = [warmup_linear(t, 36_000) for t in range(100)]  # MNLI: 72 actualizaciones de subida
    assert ramp == pytest.approx([oracle_schedule(t / 36_000) for t in range(100)])
    assert ramp == sorted(ramp[:73]) + ramp[73:] and ramp[72] == max(ramp)
    assert warmup_linear(0, 10, warmup=0) == 1.0


def make_trainer(tmp_path, recipe=PAPER, found=None, **settings):
    found = found or examples("entailment", 0) + examples("entailment", 1)
    arguments = TrainingArguments(
        str(tmp_path), per_device_train_batch_size=recipe.micro_batch, report_to="none", disable_tqdm=True,
        gradient_accumulation_steps=recipe.batch // recipe.micro_batch, num_train_epochs=recipe.epochs,
        max_grad_norm=recipe.max_grad_norm, remove_unused_columns=False, logging_steps=1, save_strategy="no",
        use_cpu=True, **settings,
    )  # fmt: skip
    model = tiny("entailment", clf_dropout=0.0)
    lengths = [len(example["sequences"][0]) for example in found]
    return TaskTrainer(recipe, lengths, model=model, args=arguments, train_dataset=found, data_collator=pad)


def small(**changes):
    return FineTuningRecipe(
        **{"batch": 4, "micro_batch": 4, "epochs": 3, "learning_rate": LR, "dropout": 0.0} | changes
    )


@pytest.mark.parametrize("micro_batch", [4, 2])
def test_trainer_makes_the_updates_of_the_original(tmp_path, micro_batch):
    """Pesos al final frente a opt.py en NumPy, con los gradientes de cada lote: recorte, tasa y decaimiento incluidos.

    También acumulando: la media de las mitades de un lote es la del lote.
    """
    recipe = small(micro_batch=micro_batch, max_grad_norm=0.5)
    trainer = make_trainer(tmp_path, recipe)
    model, found = trainer.model, trainer.train_dataset
    twin = tiny("entailment", clf_dropout=0.0)
    names = [name for name, _ in model.named_parameters()]
    # un paso del oráculo cada vez, para que los gradientes sean los de sus propios pesos
    history, norms, start = (
        [],
        [],
        {name: param.detach().numpy().copy() for name, param in twin.named_parameters()},
    )
    for epoch in range(3):
        trainer.sampler.set_epoch(epoch)
        order = list(trainer.sampler)
        assert len(order) == 8
        for place in range(0, 8, 4):
            twin.zero_grad()
            twin(**pad([found[index] for index in order[place : place + 4]])).loss.backward()
            history.append([param.grad.numpy().copy() for _, param in twin.named_parameters()])
            norms.append(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in history[-1])))
            updated = oracle_adam(list(start.values()), history, LR, total=6, max_grad_norm=0.5)
            with torch.no_grad():
                for (_, param), value in zip(twin.named_parameters(), updated, strict=True):
                    param.copy_(torch.tensor(value))
    trainer.sampler.set_epoch(0)
    trainer.train()
    for (name, param), (_, expected) in zip(model.named_parameters(), twin.named_parameters(), strict=True):
        if not name.endswith(
            "c_attn.bias"
        ):  # el sesgo de las claves no tiene gradiente: ahí solo hay ruido de redondeo
            torch.testing.assert_close(param, expected, atol=2e-4, rtol=2e-4, msg=name)
    logs = [log for log in trainer.state.log_history if "clf_loss" in log]
    assert len(logs) == 6 and names
    assert max(norms) > 0.5  # si no, el recorte no se habría probado
    assert [log["grad_norm"] for log in logs] == pytest.approx(norms, rel=1e-3)
    assert [log["learning_rate"] for log in logs] == pytest.approx(
        [LR * oracle_schedule(t / 6) for t in range(6)]
    )
    for log in logs:
        assert log["loss"] == pytest.approx(log["clf_loss"] + 0.5 * log["lm_loss"], rel=1e-5)


def test_the_recipe_reaches_the_trainer(tmp_path):
    class Tokenizer:
        pad_token_id = 0

    found = EncodedTask(find_task("entailment"), examples("entailment"), Truncation())
    recipe = small(
        max_grad_norm=0.7, epochs=5, micro_batch=2, weight_decay=0.03, adam_beta2=0.9, warmup=0.5, seed=7
    )
    trainer = task_trainer(
        tiny("entailment"), Tokenizer(), find_task("entailment"), {"train": found, "validation": found},
        recipe, tmp_path, tmp_path, False,
    )  # fmt: skip
    arguments = trainer.args
    assert (arguments.max_grad_norm, arguments.num_train_epochs, arguments.seed) == (0.7, 5, 7)
    assert (arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps) == (2, 2)
    assert (
        arguments.eval_strategy == "epoch" and trainer.best.metric == "accuracy" and trainer.sampler.seed == 7
    )
    optimizer = trainer.create_optimizer()
    assert isinstance(optimizer, OpenAIAdam) and len(optimizer.param_groups) == 2
    assert [group["original_decay"] for group in optimizer.param_groups] == [0.03, 0.0]
    assert optimizer.defaults["betas"] == (0.9, 0.9) and optimizer.defaults["lr"] == LR
    scheduler = trainer.create_scheduler(10)
    assert scheduler.lr_lambdas[0](4) == pytest.approx(oracle_schedule(0.4, warmup=0.5))


@pytest.mark.parametrize("on_disk", [False, True])
def test_the_best_weights_are_kept_and_a_tie_goes_to_the_first(tmp_path, on_disk):
    model, best = (
        tiny("cola"),
        BestWeights("matthews", tmp_path / "a" / "best.safetensors" if on_disk else None),
    )
    state = SimpleNamespace(log_history=[], is_world_process_zero=True)
    best.on_train_begin(None, state, None)
    for number, value in enumerate([-0.5, 0.7, 0.7, 0.6]):
        torch.nn.init.constant_(model.clf_head.bias, number)
        torch.nn.init.constant_(model.transformer.tokens_embed.weight, number)
        best.on_evaluate(None, state, None, metrics={"eval_matthews": value}, model=model)
    best.restore(model)
    assert (model.clf_head.bias == 1).all() and (model.lm_head.weight == 1).all() and best.best == 0.7
    # al reanudar, lo que ya se había alcanzado cuenta
    state.log_history = [{"eval_loss": 1.0, "eval_matthews": 0.9, "step": 4, "epoch": 1.0}]
    best.on_train_begin(None, state, None)
    assert best.best == 0.9


@pytest.mark.parametrize(
    ("epoch", "step", "asked"),
    [(0.5, 1000, True), (0.99, 2000, True), (0.5, 999, False), (1.0, 2000, False), (1.5, 4000, False)],
)
def test_extra_evaluations_are_only_in_the_first_epoch(epoch, step, asked):
    """train.py, línea 434: tras 1000, 2000, 4000… actualizaciones, y solo mientras dura la primera época."""
    state = SimpleNamespace(epoch=epoch, global_step=step)
    control = BestWeights("accuracy").on_step_end(None, state, SimpleNamespace(should_evaluate=False))
    assert control.should_evaluate == asked


def test_batches_are_whole_shuffled_and_of_similar_length():
    lengths = np.random.default_rng(0).integers(3, 80, 1000).tolist()
    sampler = LengthBatches(lengths, 32, seed=1)
    order = list(sampler)
    assert len(order) == len(sampler) == 992 and len(set(order)) == 992
    padding = {}
    for grouped in (True, False):
        sampler = LengthBatches(lengths, 32, seed=1, by_length=grouped)
        batches = [[lengths[i] for i in list(sampler)[at : at + 32]] for at in range(0, 992, 32)]
        padding[grouped] = sum(32 * max(batch) for batch in batches) / sum(map(sum, batches))
        means = [np.mean(batch) for batch in batches]
        assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.6  # ni de corto a largo ni al revés
    assert padding[True] < 1.1 < 1.6 < padding[False]
    plain = LengthBatches(lengths, 32, seed=1, by_length=False)
    first = list(plain)
    plain.set_epoch(1)
    assert (
        first != sorted(first) and list(plain) != first
    )  # sin agrupar, como el original: barajado, y cada época distinto
    assert list(LengthBatches(lengths, 32, seed=1)) == order != list(LengthBatches(lengths, 32, seed=2))
    again = LengthBatches(lengths, 32, seed=1)
    again.set_epoch(1)
    assert list(again) != order and set(again) <= set(range(1000))
    assert [lengths[i] for i in by_length(lengths)] == sorted(lengths, reverse=True)


def test_metrics_against_their_definitions():
    labels, predicted = np.array([1, 1, 0, 0, 1, 0, 0, 1]), np.array([1, 0, 0, 1, 1, 0, 0, 0])
    tp, tn, fp, fn = 2, 3, 1, 2
    expected = {
        "accuracy": 5 / 8,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "matthews": (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
    }
    assert compute(expected, labels, predicted) == pytest.approx(expected)
    scores, guesses = np.array([0.0, 1, 3, 5]), np.array([1.0, 0, 2, 4])
    assert compute(["pearson"], scores, guesses)["pearson"] == pytest.approx(
        np.corrcoef(scores, guesses)[0, 1]
    )
    assert compute(["pearson"], scores, np.ones(4)) == {"pearson": 0.0}
    assert compute(["matthews", "f1"], labels, np.zeros(8, int)) == {"matthews": 0.0, "f1": 0.0}
    with pytest.raises(TrainingError, match="bleu"):
        compute(["bleu"], labels, predicted)


def test_the_defaults_are_those_of_the_paper():
    expected = {
        "learning_rate": 6.25e-5, "epochs": 3, "batch": 32, "lm_coef": 0.5, "clf_dropout": 0.1, "dropout": 0.1,
        "warmup": 0.002, "weight_decay": 0.01, "max_grad_norm": 1.0, "adam_beta1": 0.9, "adam_beta2": 0.999,
        "adam_epsilon": 1e-8,
    }  # fmt: skip
    assert {name: getattr(PAPER, name) for name in expected} == expected
    assert MINI.lm_coef == PAPER.lm_coef and MINI.learning_rate > PAPER.learning_rate


@pytest.mark.parametrize(
    ("asked", "variable", "expected"),
    [
        ("auto", None, MINI),
        ("gpt1-mini", None, MINI),
        ("auto", "openai-gpt", PAPER),
        ("openai-gpt", None, PAPER),
    ],
)
def test_the_command_takes_the_recipe_of_the_model_it_will_load(monkeypatch, asked, variable, expected):
    monkeypatch.delenv("GPT1_MODELO", raising=False)
    if variable:
        monkeypatch.setenv("GPT1_MODELO", variable)
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert asked_recipe(parser.parse_args(["--model", asked])) == expected
