"""Vuelve a dibujar la portada del README, `data/portada.png`, con lo que dice el modelo del curso."""

import matplotlib.pyplot as plt
import torch

from helpers import models
from helpers.environment import ROOT
from helpers.lesson00 import figures
from helpers.spanish import number


def main() -> None:
    model, tokenizer = models.load("gpt1-mini", device="cpu")
    ids = tokenizer("The king and the queen lived in the", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        top = model(ids).logits[0, -1].softmax(-1).topk(6)
    words = [tokenizer.decode([index]) for index in [*ids[0].tolist(), *top.indices.tolist()]]
    split = ids.shape[1]
    tokens = list(zip(words[:split], ids[0].tolist(), strict=True))
    candidates = list(zip(words[split:], top.values.tolist(), strict=True))
    size = number(model.num_parameters() / 1e6, 1)
    name = f"gpt1-mini, el modelo de {size} M de parámetros que viene con el curso"
    figure = figures.cover(tokens, candidates, model.config.n_layer, name)
    with plt.rc_context({"savefig.bbox": None}):  # sin el margen blanco que pone el estilo del curso
        figure.savefig(ROOT / "data" / "portada.png", dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
