"""Cargar el modelo pedido, o un error en español que dice cuál falla; nunca otro modelo en su lugar."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers import environment, models, report
from helpers.finetuning import fine_tune
from helpers.generation import generate
from helpers.hf import GPT1LMHeadModel
from helpers.models import MINI, ModelError, load
from helpers.tasks import load_task
from tests.benchmarks.generation import int8_bytes


@pytest.fixture
def checkpoint(tmp_path):
    """Una carpeta con un GPT-1 diminuto y el vocabulario del modelo del curso."""
    folder = tmp_path / "mi-modelo"
    torch.manual_seed(0)
    config = OpenAIGPTConfig(n_layer=2, n_embd=8, n_head=2, n_positions=32, vocab_size=8192)
    OpenAIGPTLMHeadModel(config).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(MINI / name, folder / name)
    return folder


@pytest.fixture
def hub(checkpoint, monkeypatch):
    """Una caché del Hub con un `openai-gpt` de mentira, con los nombres y las máscaras del de verdad."""
    body = {
        name.removeprefix("transformer."): value
        for name, value in load_file(checkpoint / "model.safetensors").items()
    }
    body.pop("lm_head.weight", None)
    for layer in range(2):
        body[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 32, 32).tril()
    save_file(body, checkpoint / "model.safetensors", metadata={"format": "pt"})
    monkeypatch.setattr(models, "cached_file", lambda repo, name, **_: str(checkpoint / name))
    return checkpoint


@pytest.fixture(autouse=True)
def clean_variables(monkeypatch):
    for name in (models.VARIABLE, "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_embedded_model_is_the_default_offline(capsys):
    model, tokenizer = load()
    line = capsys.readouterr().out
    assert (
        line.count("\n") == 1
        and "gpt1-mini" in line
        and "incluido en el curso" in line
        and str(model.device) in line
    )
    assert not model.training and model.dtype == torch.float32
    assert tokenizer.model_max_length == model.config.n_positions
    assert len(tokenizer) == model.config.vocab_size


def test_a_folder(checkpoint, capsys):
    model, _ = load(str(checkpoint))
    assert model.config.n_layer == 2 and "carpeta mi-modelo" in capsys.readouterr().out


def test_the_variable_decides_auto(checkpoint, monkeypatch, capsys):
    monkeypatch.setenv(models.VARIABLE, str(checkpoint))
    assert load()[0].config.n_layer == 2
    assert "lo pide GPT1_MODELO" in capsys.readouterr().out


def test_hub_weights_load_with_their_mask_buffers(hub, capsys):
    model, _ = load("openai-gpt", device="cpu")
    expected = OpenAIGPTLMHeadModel.from_pretrained(hub, dtype=torch.float32).eval()
    ids = torch.tensor([[5, 6, 7]])
    torch.testing.assert_close(model(ids).logits, expected(ids).logits)
    assert "openai-community/openai-gpt" in capsys.readouterr().out


@pytest.mark.parametrize("colab", [True, False])
def test_neither_colab_nor_the_cache_chooses_another_model(hub, monkeypatch, colab):
    if colab:
        monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    assert models.in_hub_cache() and models.choose() == ("gpt1-mini", "")
    model, _ = load()
    assert model.config.n_layer == 4


def test_another_model_is_told_that_the_comments_are_not_about_it(checkpoint, monkeypatch, capsys):
    load(str(MINI))
    assert "tus números serán otros" not in capsys.readouterr().out
    monkeypatch.setenv(models.VARIABLE, str(checkpoint))
    for name in ("auto", str(checkpoint)):
        load(name)
        line = capsys.readouterr().out
        assert line.count("\n") == 1 and "hablan de gpt1-mini: tus números serán otros" in line


@pytest.fixture
def small_shape(monkeypatch):
    """Que la forma publicada sea la del modelo diminuto: lo demás de `published` no depende de las medidas."""
    sizes = {"n_layer": 2, "n_embd": 8, "n_head": 2, "n_positions": 32, "vocab_size": 8192}
    monkeypatch.setattr(models, "PUBLISHED_SHAPE", sizes)


def test_published_is_none_and_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(models, "_hub_file", lambda name, local_files_only=False: None)
    assert models.published() is None
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and "DESCARGAR = True" in line and "479 MB" in line


def test_published_downloads_only_with_consent(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        models, "_hub_file", lambda name, local_files_only=False: asked.append(local_files_only)
    )
    monkeypatch.setattr(models, "hub_reachable", lambda: True)
    models.published()
    assert asked and all(asked)  # solo ha mirado la caché
    capsys.readouterr()
    assert models.published(download=True) is None  # que la red falle no detiene la lección
    assert "ha fallado" in capsys.readouterr().out and not all(asked)


def test_a_damaged_download_does_not_stop_the_lesson(hub, small_shape, capsys):
    path = hub / "model.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    assert models.published() is None
    assert "incompleto o dañado" in capsys.readouterr().out


def test_published_from_the_cache(hub, small_shape, capsys):
    model, tokenizer = models.published()
    assert model.config.n_layer == 2 and len(tokenizer) == 8192
    assert capsys.readouterr().out.count("openai-gpt") == 2  # nombre y procedencia


def test_published_from_a_folder(checkpoint, small_shape, capsys):
    assert models.published(folder=checkpoint)[0].config.n_layer == 2
    assert "mi-modelo" in capsys.readouterr().out


def test_published_refuses_another_shape(checkpoint):
    with pytest.raises(ModelError, match="No existe el modelo «~nadie-se-llama-así/x»"):
        models.load("~nadie-se-llama-así/x")
    with pytest.raises(ModelError, match="n_layer es 2 y no 12.*vocab_size es 8192 y no 40478"):
        models.published(folder=checkpoint)


def test_never_another_model_than_the_one_named(monkeypatch, capsys):
    for name in ("openai-gpt", "openai-community/openai-gpt"):
        with pytest.raises(ModelError, match="conexión con huggingface.co"):
            load(name)
    monkeypatch.setenv(models.VARIABLE, "openai-gpt")
    with pytest.raises(ModelError, match="conexión con huggingface.co"):
        load()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("device", "words"), [("cuda", "no hay ninguna GPU de NVIDIA"), ("gpu", "No conozco")]
)
def test_a_device_that_is_not_here(checkpoint, monkeypatch, device, words):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(environment.DeviceError, match=words):
        load(str(checkpoint), device=device)


def fails(folder, *words):
    with pytest.raises(ModelError) as caught:
        load(str(folder))
    message = str(caught.value)
    assert all(word in message for word in words), message
    return message


def test_no_such_folder(tmp_path):
    fails(tmp_path / "nada", "No existe el modelo", "gpt1-mini")


@pytest.mark.parametrize("name", models.FILES)
def test_a_file_is_missing(checkpoint, name):
    (checkpoint / name).unlink()
    fails(checkpoint, "mi-modelo falta", name)


@pytest.mark.parametrize("kept", [0, 5, 200, -100])
def test_truncated_weights(checkpoint, kept):
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    fails(checkpoint, "model.safetensors", "incompleto o dañado", "bytes")


def test_weights_of_another_size(checkpoint):
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "n_embd": 16}))
    fails(checkpoint, "no casan con su config.json")


@pytest.mark.parametrize(("layers", "word"), [(3, "faltan"), (1, "sobran")])
def test_missing_or_unexpected_weights(checkpoint, layers, word):
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "n_layer": layers}))
    fails(checkpoint, "no casan con su config.json", word)


def test_weights_of_another_model(checkpoint):
    save_file({"wte.weight": torch.zeros(3, 3)}, checkpoint / "model.safetensors", metadata={"format": "pt"})
    fails(checkpoint, "no son de un GPT-1")


def test_vocabulary_that_does_not_fit(checkpoint):
    vocab = json.loads((checkpoint / "vocab.json").read_text())
    (checkpoint / "vocab.json").write_text(json.dumps({**vocab, "nuevo</w>": len(vocab)}))
    fails(checkpoint, "8193", "8192")


UNREADABLE = [("vocab.json", "{"), ("vocab.json", "[]"), ("merges.txt", "#version\nq")]


@pytest.mark.parametrize(("name", "content"), UNREADABLE)
def test_unreadable_vocabulary(checkpoint, name, content):
    (checkpoint / name).write_text(content)
    fails(checkpoint, "vocabulario de mi-modelo no se entiende")


def test_unreadable_config(checkpoint):
    (checkpoint / "config.json").write_text("{")
    fails(checkpoint, "config.json de mi-modelo no se entiende")


def change_config(folder, **fields):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **fields}))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n_head": 3}, ["n_embd es 8", "3 cabezas"]),
        ({"n_head": 0}, ["n_head es 0", "entero de 1 en adelante"]),
        ({"n_layer": -1, "n_positions": 0}, ["n_layer es -1", "n_positions es 0"]),
        ({"n_layer": 2.0}, ["n_layer es 2.0"]),
        ({"n_embd": "8"}, ["n_embd es '8'"]),
        ({"vocab_size": None}, ["vocab_size es None"]),
        ({"n_embd": True}, ["n_embd es True"]),
        ({"afn": "gelux"}, ["afn es 'gelux'", "gelu, relu"]),
        ({"afn": ["gelu"]}, ["afn es ['gelu']"]),
        ({"model_type": "gpt2"}, ["model_type es 'gpt2'", "openai-gpt"]),
        ({"attn_pdrop": 2}, ["attn_pdrop es 2", "de 0 a 1"]),
        ({"embd_pdrop": None}, ["embd_pdrop es None"]),
        ({"resid_pdrop": float("nan")}, ["resid_pdrop es nan"]),
        ({"layer_norm_epsilon": -1.0}, ["layer_norm_epsilon es -1.0"]),
        ({"layer_norm_epsilon": float("nan")}, ["layer_norm_epsilon es nan"]),
        ({"layer_norm_epsilon": 1.0}, ["layer_norm_epsilon es 1.0", "0.01 como mucho"]),
        ({"initializer_range": -1.0}, ["initializer_range es -1.0"]),
        ({"x": "\ud800"}, ["media letra"]),
    ],
)
def test_a_config_that_is_not_of_a_gpt1(checkpoint, fields, words, capsys):
    change_config(checkpoint, **fields)
    one_sentence(fails(checkpoint, "config.json de mi-modelo", *words))


@pytest.mark.parametrize(
    "fields",
    [
        {"attn_implementation": "x"}, {"_attn_implementation": 7}, {"hidden_size": 7}, {"base_model_tp_plan": 7},
        {"text_config": {"a": 1}}, {"return_dict": False}, {"output_attentions": True}, {"is_encoder_decoder": True},
    ],
)  # fmt: skip
def test_what_is_not_of_a_gpt1_in_its_config_does_not_count(checkpoint, fields, tmp_path):
    ids = torch.tensor([[5, 9]])
    expected = load(str(checkpoint), "cpu", verbose=False)[0](ids).logits
    change_config(checkpoint, **fields)
    model = load(str(checkpoint), "cpu", verbose=False)[0]
    assert torch.equal(model(ids).logits, expected) and model.generate(ids, max_new_tokens=2).shape == (1, 4)
    model.save_pretrained(tmp_path / "otra")


@pytest.mark.parametrize("name", ["pad_token", "eos_token", "extra_special_tokens"])
@pytest.mark.parametrize("token", ["a", "the</w>"])
def test_a_piece_of_a_word_is_not_a_special_token(checkpoint, name, token):
    value = [token] if name == "extra_special_tokens" else token
    (checkpoint / "tokenizer_config.json").write_text(json.dumps({name: value}))
    one_sentence(fails(checkpoint, "El token especial", token))


def test_odd_settings_of_the_tokenizer_do_not_break_padding(checkpoint):
    (checkpoint / "tokenizer_config.json").write_text('{"pad_token": null, "model_input_names": [7]}')
    tokenizer = load(str(checkpoint), "cpu", verbose=False)[1]
    assert tokenizer(["a", "a b"], padding=True).attention_mask == [[1, 0], [1, 1]]


def one_sentence(message):
    """Sin saltos de línea, en español y con el remedio al final."""
    assert "\n" not in message and "Vuelve a copiar la carpeta entera" in message
    assert not any(word in message for word in ("expected", "line 1", "object is", "codec")), message


def test_a_config_without_its_sizes(checkpoint):
    """transformers pondría las de GPT-1, y con otro número de cabezas los pesos miden lo mismo."""
    config = json.loads((checkpoint / "config.json").read_text())
    del config["n_head"]
    (checkpoint / "config.json").write_text(json.dumps(config))
    one_sentence(fails(checkpoint, "falta n_head"))


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "null", b"\xe9\xff"])
def test_a_damaged_settings_file(checkpoint, name, content):
    (checkpoint / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    one_sentence(fails(checkpoint, f"{name} de mi-modelo no se entiende"))


def test_a_config_with_a_byte_order_mark(checkpoint):
    text = (checkpoint / "config.json").read_text()
    (checkpoint / "config.json").write_text("\ufeff" + text, encoding="utf-8")
    assert "sin ella" in fails(checkpoint, "config.json", "marca inicial de UTF-8")


@pytest.mark.parametrize("name", models.FILES)
def test_a_folder_instead_of_a_file(checkpoint, name):
    (checkpoint / name).unlink()
    (checkpoint / name).mkdir()
    fails(checkpoint, "mi-modelo", f"{name} es una carpeta")


def change_weights(folder, change, **extra):
    weights = load_file(folder / "model.safetensors")
    weights = {name: change(name, value) for name, value in weights.items()} | extra
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("parameter", ["transformer.h.1.ln_2.bias", "transformer.tokens_embed.weight"])
def test_weights_that_are_not_finite(checkpoint, parameter, value):
    def spoil(name, values):
        if name == parameter:
            values.view(-1)[3] = value
        return values

    change_weights(checkpoint, spoil)
    one_sentence(fails(checkpoint, parameter, "tiene 1 valores", "números finitos"))


@pytest.mark.parametrize("dtype", ["float64", "int64", "int32", "int8", "bool"])
def test_weights_of_another_type(checkpoint, dtype):
    kind = getattr(torch, dtype)
    change_weights(
        checkpoint, lambda name, value: value.to(kind) if name.endswith("h.1.ln_1.weight") else value
    )
    one_sentence(fails(checkpoint, "h.1.ln_1.weight", "es de tipo", "F32, F16"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_turned_into_fp32(checkpoint, dtype):
    kept = {}

    def halve(name, value):
        kept[name] = value.to(getattr(torch, dtype))
        return kept[name]

    change_weights(checkpoint, halve)
    model, _ = load(str(checkpoint))
    assert all(
        value.dtype == torch.float32 and torch.equal(value, kept[name].float())
        for name, value in model.named_parameters()
    )


def test_an_output_matrix_of_its_own(checkpoint):
    change_weights(checkpoint, lambda name, value: value, **{"lm_head.weight": torch.ones(8192, 8)})
    one_sentence(fails(checkpoint, "lm_head.weight", "misma matriz"))


def test_files_of_two_models(checkpoint):
    """Los pesos de uno con el config.json de otro, y al revés."""
    shutil.copy(MINI / "model.safetensors", checkpoint / "model.safetensors")
    one_sentence(fails(checkpoint, "no casan con su config.json", "sobran", "no miden lo que deben"))
    shutil.copy(MINI / "config.json", checkpoint / "config.json")
    load(str(checkpoint))
    change_config(checkpoint, n_positions=512)
    one_sentence(fails(checkpoint, "positions_embed.weight"))


def test_nothing_else_is_printed(checkpoint, capfd):
    change_config(checkpoint, n_layer=3)
    fails(checkpoint, "faltan 12 parámetros")
    assert capfd.readouterr() == ("", "")


def test_no_pickle_is_ever_read(checkpoint):
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    fails(checkpoint, "falta model.safetensors")


@pytest.mark.slow
def test_environment_report():
    result = subprocess.run(
        [sys.executable, "-m", "helpers.environment"], cwd=environment.ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert all(line.startswith("[OK]") for line in lines)
    for word in ("Python", "torch", "transformers", "Dispositivo", "Modelo"):
        assert any(word in line for line in lines), word


def test_environment_report_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(report.PACKAGES, "paquete-que-no-existe", "03")
    monkeypatch.setenv(models.VARIABLE, "/no/existe")
    assert report.main([]) == 1
    out = capsys.readouterr().out
    assert "[FALTA] paquete-que-no-existe: hace falta para la lección 03" in out
    assert "[FALTA] No existe el modelo" in out


def test_seeds():
    draws = []
    for _ in range(2):
        environment.set_seed(5)
        draws.append(torch.rand(3).tolist())
    assert draws[0] == draws[1]


@pytest.mark.parametrize("name", ["pad_token_id", "bos_token_id", "eos_token_id"])
@pytest.mark.parametrize("value", [-1, 10**30, "x", [], {}, True, 3.5, [1, 2]])
def test_a_token_that_is_not_in_the_vocabulary_is_one_sentence(checkpoint, name, value):
    path = checkpoint / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(models.ModelError, match=f"{name} es .* y tiene que ser un id"):
        models.load(str(checkpoint))


@pytest.mark.parametrize(
    "asked", [{"do_sample": True}, {"eos_token_id": "x"}, {"num_beams": 7}, {"foo": [1]}]
)
def test_what_the_folder_asks_of_generation_does_not_count(checkpoint, asked):
    (checkpoint / "generation_config.json").write_text(json.dumps(asked))
    try:
        model, _ = models.load(str(checkpoint))
    except models.ModelError:
        return  # o se niega, con una frase
    assert model.generation_config.do_sample in (None, False) and model.generation_config.eos_token_id is None
    assert model.generation_config.num_beams in (None, 1)


@pytest.fixture(scope="module")
def int8_and_fp32():
    """`gpt1-mini` en int8 y en fp32, y lo que escribe el segundo, voraz, tras ocho principios."""
    small, tokenizer = load("gpt1-mini", device="cpu", verbose=False, int8=True)
    whole, _ = load("gpt1-mini", device="cpu", verbose=False)
    paths = sorted((environment.ROOT / "data" / "stories").glob("a*.txt"))[:8]
    stories = torch.tensor([tokenizer(path.read_text("utf-8"))["input_ids"][:128] for path in paths])
    written = generate(whole, stories[:, :16], 112, do_sample=False)
    return small, whole, stories, written


def perplexity(model, ids):
    with torch.inference_mode():
        return float(model(ids, labels=ids).loss.exp())


def test_int8_writes_almost_the_same(int8_and_fp32):
    small, whole, stories, written = int8_and_fp32
    with torch.inference_mode():
        steps = small(written).logits[:, 15:-1].argmax(-1)
    assert (steps == written[:, 16:]).float().mean() >= 0.99
    assert perplexity(small, stories) == pytest.approx(perplexity(whole, stories), rel=0.01)


def test_int8_generates_with_its_cache_as_without_it(int8_and_fp32):
    small, _, stories, _ = int8_and_fp32
    first = generate(small, stories[:2, :8], 12, do_sample=False)
    assert torch.equal(first, generate(small, stories[:2, :8], 12, do_sample=False, use_cache=False))
    asked = {"attention_mask": torch.ones(2, 8), "do_sample": False, "max_new_tokens": 12}
    assert torch.equal(first, small.generate(stories[:2, :8], **asked))


def test_int8_keeps_two_bytes_a_token_value_and_one_of_the_rest(int8_and_fp32):
    small = int8_and_fp32[0]
    assert all(value.ndim == 1 or "positions" in name for name, value in small.named_parameters())
    assert small.transformer.tokens_embed.values.dtype == torch.int8
    assert small.lm_head.packed.unpack()[0].dtype == torch.qint8


@pytest.mark.slow
def test_int8_takes_a_third_at_the_real_shape():
    with torch.device("meta"):
        whole = 4 * GPT1LMHeadModel(OpenAIGPTConfig()).num_parameters()
    small = models.int8_weights.quantize(GPT1LMHeadModel(OpenAIGPTConfig()))
    assert sum(hasattr(part, "packed") for part in small.modules()) == 12 * 4 + 1
    assert int8_bytes(small) <= whole / 3


def test_int8_neither_trains_nor_is_saved(int8_and_fp32, tmp_path):
    small, words = int8_and_fp32[0], load(verbose=False)[1]
    with pytest.raises(ValueError, match="no se guarda ni se ajusta"):
        fine_tune(small, "sentiment", load_task("sentiment"), tokenizer=words)
    with pytest.raises(ValueError, match="no se puede entrenar"):
        small.train()
    with pytest.raises(ValueError, match="no se guarda"):
        small.save_pretrained(tmp_path)


def test_int8_is_said_and_is_for_the_cpu(capsys, monkeypatch):
    load(int8=True)
    assert ", en int8." in capsys.readouterr().out
    with pytest.raises(ModelError, match="es para la CPU"):
        load(int8=True, device="cuda")
    with pytest.raises(ValueError, match="int8 tiene que ser True o False"):
        load(int8="sí")
    monkeypatch.setattr(models.int8_weights, "supported", lambda: False)
    with pytest.raises(ModelError, match="procesador x86"):
        load(int8=True)
