"""`GPT1ForTask` y sus pérdidas frente a un oráculo en NumPy que parte de los estados ocultos."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn
from transformers import OpenAIGPTConfig, OpenAIGPTDoubleHeadsModel

from helpers import chunked
from helpers.finetuning import GPT1ForTask, TrainingError, lm_losses, soft_targets
from helpers.hf import GPT1LMHeadModel
from helpers.tasks import TASKS, pad
from helpers.tasks.catalogue import find_task

VOCAB, START, DELIMITER, CLASSIFY = 43, 40, 41, 42


class FakeTokenizer:
    """Lo único que mira `from_language_model`: el vocabulario con los tres tokens del ajuste fino."""

    def __len__(self):
        return VOCAB

    def get_vocab(self):
        return {"_start_": START, "_delimiter_": DELIMITER, "_classify_": CLASSIFY}


def tiny_language_model(seed=0, dropout=0.0, **changes):
    torch.manual_seed(seed)
    dropouts = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), dropout)
    sizes = {"vocab_size": 40, "n_positions": 32, "n_embd": 16, "n_layer": 3, "n_head": 2} | changes
    return GPT1LMHeadModel(OpenAIGPTConfig(**sizes, **dropouts)).eval()


def tiny(task, seed=0, **settings):
    model = GPT1ForTask.from_language_model(tiny_language_model(seed), FakeTokenizer(), task, **settings)
    with torch.no_grad():  # con b = 0 un sesgo olvidado no se notaría
        model.clf_head.bias.normal_()
    return model.eval()


def examples(task, seed=0):
    """Cinco ejemplos de longitudes distintas, con la forma que tienen los de `encode_task`."""
    task, random = find_task(task), np.random.default_rng(seed)
    count = {"similarity": 2, "multiple_choice": 3}.get(task.family, 1)
    found = []
    for index in range(5):
        words = [random.integers(0, 40, random.integers(1, 12)).tolist() for _ in range(count)]
        sequences = [[START, *ids, DELIMITER, *ids[::-1], CLASSIFY] for ids in words]
        label = -1 if task.regression else index % (len(task.labels) or count)
        found.append(
            {"sequences": sequences, "label": label, "score": random.uniform(0, 5) if label < 0 else np.nan}
        )
    return found


def log_softmax(values):
    shifted = values - values.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def oracle(model, found):
    """Logits y pérdidas, secuencia a secuencia y sin relleno, como en train.py."""
    weights = {name: value.detach().double().numpy() for name, value in model.state_dict().items()}
    family, objective = model.config.family, model.config.objective
    logits, lm = [], []
    for example in found:
        vectors = []
        for ids in example["sequences"]:
            with torch.no_grad():
                hidden = model.transformer(torch.tensor([ids])).last_hidden_state[0].double().numpy()
            vectors.append(hidden[ids.index(CLASSIFY)])
            words = log_softmax(hidden[:-1] @ weights["transformer.tokens_embed.weight"].T)
            lm.append(np.mean([-words[place, target] for place, target in enumerate(ids[1:])]))
        scores = np.array(vectors) @ weights["clf_head.weight"].T + weights["clf_head.bias"]
        if family == "multiple_choice":
            logits.append(scores[:, 0])
        elif family == "similarity":
            logits.append(np.sum(vectors, 0) @ weights["clf_head.weight"].T + weights["clf_head.bias"])
        else:
            logits.append(scores[0])
    logits = np.array(logits)
    clf = []
    for row, example in zip(logits, found, strict=True):
        if objective == "regression":
            clf.append((row[0] - example["score"]) ** 2)
        elif objective == "soft":
            low = int(np.floor(example["score"]))
            target = np.zeros(6)
            target[low], target[low + 1] = low + 1 - example["score"], example["score"] - low
            clf.append(-(target * log_softmax(row)).sum())
        else:
            clf.append(-log_softmax(row)[example["label"]])
    return logits, np.mean(clf), np.mean(lm)


CASES = [
    ("sentiment", None),
    ("entailment", None),
    ("similarity", None),
    ("story_cloze", None),
    ("stsb", "soft"),
    ("stsb", "regression"),
]


@pytest.mark.parametrize(("task", "objective"), CASES)
def test_logits_and_losses_agree_with_numpy(task, objective):
    model, found = tiny(task, objective=objective, lm_coef=0.7), examples(task)
    logits, clf, lm = oracle(model, found)
    output = model(**pad(found))
    np.testing.assert_allclose(output.logits.detach().numpy(), logits, atol=1e-5)
    assert output.clf_loss.item() == pytest.approx(clf, abs=1e-5)
    assert output.lm_loss.item() == pytest.approx(lm, abs=1e-5)
    assert output.loss.item() == pytest.approx(clf + 0.7 * lm, abs=1e-5)


def test_reads_classify_whatever_the_padding():
    model, found = tiny("entailment"), examples("entailment")
    right = pad(found)
    expected = model(**right)
    without_position = {name: value for name, value in right.items() if name != "classify_position"}
    assert torch.equal(model(**without_position).logits, expected.logits)
    # relleno basura a la derecha, y después a la izquierda
    longest = right["input_ids"].shape[-1]
    junk = torch.where(right["attention_mask"].bool(), right["input_ids"], 7)
    assert torch.allclose(model(**right | {"input_ids": junk}).loss, expected.loss, atol=1e-6)
    left = {name: torch.zeros_like(right[name]) for name in ("input_ids", "attention_mask")}
    for row, example in enumerate(found):
        ids = example["sequences"][0]
        left["input_ids"][row, 0, longest - len(ids) :] = torch.tensor(ids)
        left["attention_mask"][row, 0, longest - len(ids) :] = 1
    shifted = model(**left, labels=right["labels"])
    assert torch.allclose(shifted.logits, expected.logits, atol=1e-5)
    assert torch.allclose(shifted.lm_loss, expected.lm_loss, atol=1e-5)


def test_lm_loss_is_a_mean_of_sequences_and_not_of_tokens():
    """`OpenAIGPTDoubleHeadsModel` promedia por tokens: coincide con lo nuestro solo si todo mide lo mismo."""
    model = tiny("sentiment")
    config = deepcopy(model.config)
    config._attn_implementation = "eager"  # transformers no tiene otra para esta clase
    peer = OpenAIGPTDoubleHeadsModel(config).eval()
    weights = {f"transformer.{name}": value for name, value in model.transformer.state_dict().items()}
    peer.load_state_dict(weights | {"lm_head.weight": model.lm_head.weight}, strict=False)

    def peer_loss(batch):
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        return peer(
            batch["input_ids"],
            attention_mask=batch["attention_mask"].flatten(0, 1),
            mc_token_ids=batch["classify_position"],
            labels=labels,
        ).loss.item()  # fmt: skip

    found = examples("sentiment")
    batch, lengths = pad(found), [len(example["sequences"][0]) for example in found]
    assert len(set(lengths)) > 1
    assert model(**batch).lm_loss.item() != pytest.approx(peer_loss(batch), abs=1e-3)
    # la media por tokens sale de las de cada secuencia, pesadas por su longitud
    ids, mask = batch["input_ids"][:, 0], batch["attention_mask"][:, 0].bool()
    each = lm_losses(model.transformer(ids).last_hidden_state, ids, mask, model.lm_head).detach().numpy()
    assert np.average(each, weights=np.array(lengths) - 1) == pytest.approx(peer_loss(batch), abs=1e-5)
    same = pad([found[0]] * 3)
    assert model(**same).lm_loss.item() == pytest.approx(peer_loss(same), abs=1e-5)


@pytest.fixture(params=["por trozos", "entera"])
def multiplied(request, monkeypatch):
    """Las formas de lo que se multiplica por la matriz de salida, de una de las dos maneras de calcular L1."""
    seen = []

    def note(x, *args):
        seen.append(tuple(x.shape))
        return x.sum()

    if request.param == "entera":
        monkeypatch.setattr(chunked, "applies", lambda x, weight: False)
    monkeypatch.setattr(chunked, "linear_cross_entropy", note)

    def watch(model):
        model.lm_head.register_forward_pre_hook(lambda module, inputs: seen.append(tuple(inputs[0].shape)))
        return seen

    return watch


def test_the_lm_head_only_sees_positions_that_count(multiplied):
    model, found = tiny("story_cloze"), examples("story_cloze")
    seen = multiplied(model)
    model(**pad(found))
    assert seen == [(sum(len(ids) - 1 for example in found for ids in example["sequences"]), 16)]


def test_without_lambda_the_lm_head_is_never_called(multiplied):
    model, batch = tiny("similarity", lm_coef=0.0), pad(examples("similarity"))
    seen = multiplied(model)
    output = model(**batch)
    assert output.lm_loss is None and torch.equal(output.loss, output.clf_loss)
    aided = tiny("similarity", lm_coef=0.5)
    multiplied(aided)
    aided(**{name: value for name, value in batch.items() if name != "labels"})
    aided(**batch, with_lm=False)
    assert seen == []
    aided(**batch)
    assert seen


@pytest.mark.parametrize("rows", [1, 7, 512])
@pytest.mark.parametrize("family", ["story_cloze", "similarity"])
def test_in_chunks_the_losses_and_gradients_are_the_same(monkeypatch, family, rows):
    """Trozos de un token, trozos que no llenan el último y uno solo; con relleno y secuencias de largos distintos."""
    found = {}
    for way in ("entera", "por trozos"):
        monkeypatch.setattr(chunked, "ROWS", rows)
        if way == "entera":
            monkeypatch.setattr(chunked, "applies", lambda x, weight: False)
        model = tiny(family)
        output = model(**pad(examples(family)))
        (output.loss / 3).backward()  # como al acumular: el gradiente de la pérdida no es 1
        found[way] = [output.lm_loss, *(param.grad for param in model.parameters())]
        monkeypatch.undo()
    assert len(found["entera"]) == len(list(model.parameters())) + 1
    for whole, part in zip(*found.values(), strict=True):
        torch.testing.assert_close(part, whole)


def test_the_sequences_of_an_example_share_the_dropout_mask():
    model = tiny("story_cloze", clf_dropout=0.5)
    seen = []
    model.clf_head.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    batch = pad(examples("story_cloze"))
    model(**batch)
    model.train()
    model(**batch)
    before, after = seen
    kept = after != 0
    assert 0.3 < kept.float().mean() < 0.7
    assert torch.equal(kept[:, 0], kept[:, 1]) and torch.equal(kept[:, 0], kept[:, 2])
    assert not torch.equal(kept[0], kept[1])
    assert torch.allclose(after[kept], 2 * before[kept], atol=1e-5)


def test_similarity_does_not_depend_on_the_order():
    model, found = tiny("similarity"), examples("similarity")
    swapped = [{**example, "sequences": example["sequences"][::-1]} for example in found]
    assert torch.allclose(model(**pad(found)).logits, model(**pad(swapped)).logits, atol=1e-5)
    assert not torch.allclose(
        model(**pad([{**example, "sequences": example["sequences"][:1]} for example in found])).logits,
        model(**pad([{**example, "sequences": example["sequences"][1:]} for example in found])).logits,
    )


def test_soft_targets():
    found = soft_targets(torch.tensor([0.0, 3.6, 5.0, 2.5]))
    expected = np.zeros((4, 6))
    expected[0, 0] = expected[2, 5] = 1
    expected[1, 3:5], expected[3, 2:4] = (0.4, 0.6), (0.5, 0.5)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    model = tiny("stsb")
    logits = torch.tensor([[0.0, 0, 0, 50, 50, 0]])
    assert model.scores(logits).item() == pytest.approx(3.5)
    assert model.probabilities(logits)[0, 3].item() == pytest.approx(0.5)


def test_new_weights_start_as_in_the_original():
    language = tiny_language_model(vocab_size=3000, n_embd=256)
    tokenizer = FakeTokenizer()
    tokenizer.__class__ = type("Big", (FakeTokenizer,), {"__len__": lambda self: 4000})
    with torch.no_grad():
        language.transformer.tokens_embed.weight.normal_(
            mean=1.0
        )  # las nuevas no deben parecerse a las viejas
    model = GPT1ForTask.from_language_model(language, tokenizer, "entailment")
    new = model.transformer.tokens_embed.weight[3000:]
    assert new.mean().abs() < 1e-3 and new.std().item() == pytest.approx(0.02, rel=0.02)
    assert model.clf_head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.clf_head.weight.shape == (3, 256) and not model.clf_head.bias.any()
    assert model.lm_head.weight is model.transformer.tokens_embed.weight
    assert torch.equal(model.transformer.tokens_embed.weight[:3000], language.transformer.tokens_embed.weight)


def test_a_sequence_of_one_token_predicts_nothing():
    """Sin nada que predecir, su pérdida de lenguaje es 0 y no nan, que se llevaría por delante todo el lote."""
    hidden, ids = torch.randn(2, 4, 8), torch.randint(0, 5, (2, 4))
    real = torch.tensor([[True, False, False, False], [True, True, True, False]])
    found = lm_losses(hidden, ids, real, torch.nn.Linear(8, 5, bias=False))
    assert found[0] == 0 and torch.isfinite(found).all() and found[1] > 0


@pytest.mark.parametrize("blocks", [-1, 0, 1, 3])
def test_n_transfer_copies_what_it_says(blocks):
    language = tiny_language_model(seed=1)
    torch.manual_seed(2)
    model = GPT1ForTask.from_language_model(language, FakeTokenizer(), "cola", n_transfer=blocks)
    copied = 3 if blocks is None else blocks
    old, new = language.transformer, model.transformer
    assert torch.equal(new.positions_embed.weight, old.positions_embed.weight) == (copied >= 0)
    assert torch.equal(new.tokens_embed.weight[:40], old.tokens_embed.weight) == (copied >= 0)
    for index in range(3):
        pairs = zip(old.h[index].parameters(), new.h[index].parameters(), strict=True)
        # los sesgos y las ganancias valen lo mismo al empezar: solo distinguen las matrices
        assert all(torch.equal(a, b) == (index < copied) for a, b in pairs if a.dim() > 1)
    other = GPT1ForTask.from_language_model(language, FakeTokenizer(), "cola", n_transfer=-1)
    assert not torch.equal(other.transformer.positions_embed.weight, old.positions_embed.weight)


def test_saved_and_loaded_gives_the_same(tmp_path):
    for task, objective in CASES:
        model, batch = tiny(task, objective=objective, lm_coef=0.25), pad(examples(task))
        model.save_pretrained(tmp_path / task)
        again, info = GPT1ForTask.from_pretrained(tmp_path / task, output_loading_info=True)
        assert not info["missing_keys"] and not info["unexpected_keys"]
        assert again.lm_head.weight is again.transformer.tokens_embed.weight
        expected, found = model(**batch), again(**batch)
        # los mismos pesos; la suma puede redondear distinto según cómo queden alineados en memoria
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
        assert torch.allclose(found.logits, expected.logits, atol=1e-6)
        assert found.loss.item() == pytest.approx(expected.loss.item(), abs=1e-6)
        assert again.config.task_labels == list(TASKS[task].labels)
        assert (again.config.task_name, again.config.family, again.config.lm_coef) == (
            task,
            TASKS[task].family,
            0.25,
        )


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        ("stsb", {"objective": "class"}, "una puntuación"),
        ("cola", {"objective": "soft"}, "una clase"),
        ("cola", {"objective": "otro"}, "class, soft, regression"),
        ("cola", {"n_transfer": 4}, "tiene 3 bloques"),
        ("cola", {"n_transfer": -2}, "tiene 3 bloques"),
    ],
)
def test_what_does_not_fit_says_so(task, settings, message):
    with pytest.raises(TrainingError, match=message):
        tiny(task, **settings)


def test_a_plain_language_model_is_not_a_task_model(tmp_path):
    tiny_language_model().save_pretrained(tmp_path)
    with pytest.raises(TrainingError, match="from_language_model"):
        GPT1ForTask.from_pretrained(tmp_path)


def test_gradients_flow_through_both_losses():
    """El gradiente de L3 es el de L2 más λ veces el de L1, también en los embeddings compartidos."""
    grads = {}
    for name, pick in (("clf", "clf_loss"), ("lm", "lm_loss"), ("both", "loss")):
        model = tiny("entailment", lm_coef=0.5)
        getattr(model(**pad(examples("entailment"))), pick).backward()
        grads[name] = {key: param.grad for key, param in model.named_parameters()}
    for key, both in grads["both"].items():
        parts = [
            torch.zeros_like(both) if grads[name][key] is None else grads[name][key] for name in ("clf", "lm")
        ]
        assert torch.allclose(both, parts[0] + 0.5 * parts[1], atol=1e-6), key
    assert isinstance(model.clf_head, nn.Linear) and grads["lm"]["clf_head.weight"] is None
