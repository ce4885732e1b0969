"""Un `openai-gpt` de mentira con la forma del de verdad, en una caché del Hub: prueba la estructura, no los valores.

Lleva lo que distingue al archivo publicado: los nombres viejos, sin «transformer.», las máscaras de atención guardadas
como si fueran pesos y los campos en desuso de su config.json.
"""

import json
import shutil
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers.models import HUB_NAME, MINI

PARAMETERS, VOCABULARY, MERGES = 116_534_784, 40_478, 40_000
# https://huggingface.co/openai-community/openai-gpt/blob/main/config.json
CONFIG = {
    "afn": "gelu",
    "architectures": ["OpenAIGPTLMHeadModel"],
    "attn_pdrop": 0.1,
    "embd_pdrop": 0.1,
    "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-05,
    "model_type": "openai-gpt",
    "n_ctx": 512,
    "n_embd": 768,
    "n_head": 12,
    "n_layer": 12,
    "n_positions": 512,
    "n_special": 0,
    "predict_special_tokens": True,
    "resid_pdrop": 0.1,
    "summary_activation": None,
    "summary_first_dropout": 0.1,
    "summary_proj_to_labels": True,
    "summary_type": "cls_index",
    "summary_use_proj": True,
    "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
    "vocab_size": VOCABULARY,
}


def weights():
    """Los 146 tensores publicados, al azar (σ = 0,02) salvo LayerNorm y sesgos, más 12 máscaras [1, 1, 512, 512]."""
    with torch.device("meta"):
        body = OpenAIGPTLMHeadModel(OpenAIGPTConfig()).transformer
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, value in body.named_parameters():
        if value.dim() > 1:
            found[name] = 0.02 * torch.randn(value.shape, generator=generator)
        else:
            found[name] = torch.full(value.shape, float("ln_" in name and name.endswith("weight")))
    assert sum(value.numel() for value in found.values()) == PARAMETERS
    for layer in range(12):
        found[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 512, 512).tril()
    return found


def vocabulary():
    """vocab.json y merges.txt: los de gpt1-mini, alargados con fusiones y símbolos que no salen en los textos."""
    tokens = json.loads((MINI / "vocab.json").read_text(encoding="utf-8"))
    merges = (MINI / "merges.txt").read_text(encoding="utf-8").splitlines()
    pairs = product([token for token in tokens if token.isalpha() and len(token) > 3], repeat=2)
    while len(merges) < MERGES + 1:  # la primera línea es la versión del formato
        left, right = next(pairs)
        if left + right not in tokens:
            tokens[left + right] = len(tokens)
            merges.append(f"{left} {right}")
    for code in range(0x1400, 0x1400 + VOCABULARY - len(tokens)):  # silabario de Canadá
        tokens[chr(code)] = len(tokens)
    return json.dumps(tokens, ensure_ascii=False), "\n".join(merges) + "\n"


def build(hf_home, vocabulary_folder=None):
    """Escribe la caché en `hf_home`; el vocabulario real, si se dice dónde está, hace que los ids signifiquen algo."""
    repository = Path(hf_home) / "hub" / f"models--{HUB_NAME.replace('/', '--')}"
    snapshot = repository / "snapshots" / f"{1:040x}"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(snapshot.name)
    (snapshot / "config.json").write_text(json.dumps(CONFIG, indent=2))
    if vocabulary_folder and Path(vocabulary_folder).is_dir():
        for name in ("vocab.json", "merges.txt"):
            shutil.copy(Path(vocabulary_folder) / name, snapshot)
    else:
        for name, text in zip(("vocab.json", "merges.txt"), vocabulary(), strict=True):
            (snapshot / name).write_text(text, encoding="utf-8")
    save_file(weights(), snapshot / "model.safetensors", metadata={"format": "pt"})
    return Path(hf_home)
