"""GPT-1 con una capa lineal encima, para las cuatro familias de tareas, y el objetivo L3 = L2 + λ·L1. Lección 06."""

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn
from transformers.models.openai.modeling_openai import OpenAIGPTPreTrainedModel
from transformers.utils import ModelOutput

from helpers.finetuning.losses import OBJECTIVES, expected_score, lm_loss, task_losses
from helpers.hf import GPT1Model
from helpers.tasks import Task, find_task, input_tokens
from helpers.training import TrainingError

SCORE_CLASSES = 6  # STS-B: puntuaciones de 0 a 5
_SETTINGS = ("task_name", "family", "task_labels", "objective", "lm_coef", "clf_pdrop", "classify_token_id")


@dataclass
class TaskOutput(ModelOutput):
    """`loss` = `clf_loss` + λ · `lm_loss`; `logits` [B, clases] ([B, K] en opción múltiple, [B, 1] en regresión)."""

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    clf_loss: torch.Tensor | None = None
    lm_loss: torch.Tensor | None = None


class GPT1ForTask(OpenAIGPTPreTrainedModel):
    """El cuerpo de GPT-1, la salida de lenguaje (con los pesos de los embeddings) y la capa de la tarea, `clf_head`.

    Se crea con `from_language_model` y se guarda y carga como cualquier modelo de transformers. Su configuración
    recuerda la tarea (`task_name`, `family`, `task_labels`, `objective`) y la receta (`lm_coef`, `clf_pdrop`).

    Como en el código original (train.py, `model`): se lee el vector del primer `_classify_`; las K secuencias de un
    ejemplo comparten la máscara de dropout; W ~ N(0, 0,02) y b = 0; L1 es la media por secuencias. En similitud los
    dos vectores se suman (artículo, §3.3). Dos diferencias, que vienen de transformers: el dropout de los embeddings
    se aplica a su suma y no a la matriz (que es también la de salida: allí el dropout llega además a los logits), y
    el vocabulario de salida no incluye las posiciones.
    """

    _supports_sdpa = True
    _tied_weights_keys = {"lm_head.weight": "transformer.tokens_embed.weight"}
    _keys_to_ignore_on_save = ["lm_head.weight"]
    accepts_loss_kwargs = False  # la pérdida ya es una media por ejemplos: `Trainer` la promedia sin más

    def __init__(self, config):
        missing = [name for name in _SETTINGS if not hasattr(config, name)]
        if missing:
            raise TrainingError(
                f"La configuración no dice {', '.join(missing)}: no es la de un modelo ajustado a una tarea. "
                "Créalo con GPT1ForTask.from_language_model(modelo, tokenizador, tarea)."
            )
        super().__init__(config)
        self.transformer = GPT1Model(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.clf_dropout = nn.Dropout(config.clf_pdrop)
        self.clf_head = nn.Linear(config.n_embd, _outputs(config))
        self.post_init()

    @classmethod
    def from_language_model(
        cls, model, tokenizer, task: Task | str, *, n_transfer: int | None = None, objective: str | None = None,
        lm_coef: float = 0.5, clf_dropout: float = 0.1, dropout: float | None = None,
    ):  # fmt: skip
        """Un modelo para `task` con los pesos de `model` (un `GPT1LMHeadModel`, que no cambia).

        `tokenizer` debe tener ya los tokens del ajuste fino; las filas nuevas de los embeddings y `clf_head` salen de
        N(0, 0,02). `n_transfer` = cuántos bloques se copian, además de los embeddings (figura 2 del artículo): `None`,
        todos; 0, solo los embeddings; -1, nada (train.py, líneas 413-417). `objective`: «class»,
        «soft» o «regression»; por defecto «soft» si la tarea es una puntuación y «class» si no. `dropout` cambia los
        tres dropouts del cuerpo. Lanza `TrainingError` si algo no encaja.
        """
        task, config = find_task(task), deepcopy(model.config)
        n_transfer = _blocks(n_transfer, config.n_layer)
        tokens = input_tokens(tokenizer, config.n_positions)
        config.vocab_size = len(tokenizer)
        config.task_name, config.family, config.task_labels = task.name, task.family, list(task.labels)
        config.objective = _check_objective(task, objective)
        config.lm_coef, config.clf_pdrop, config.classify_token_id = lm_coef, clf_dropout, tokens.classify
        config.use_cache = False
        if dropout is not None:
            config.embd_pdrop = config.attn_pdrop = config.resid_pdrop = dropout
        new = cls(config)
        if n_transfer >= 0:
            _copy(model.transformer, new.transformer, n_transfer)
        return new.to(dtype=torch.float32)

    def get_output_embeddings(self):
        return self.lm_head

    def forward(self, input_ids, attention_mask=None, classify_position=None, labels=None, with_lm=None):
        """Logits y pérdidas de un lote como el que hace `helpers.tasks.pad`.

        - `input_ids` [B, K, T]: K secuencias por ejemplo. `attention_mask` [B, K, T], 1 = token real; el relleno puede
          estar a la derecha o a la izquierda.
        - `classify_position` [B, K]; si falta, la del primer `_classify_` de cada secuencia.
        - `labels` [B]: la clase, o la puntuación. Sin ellas no hay pérdidas.
        - `with_lm`: ¿se calcula L1? Por defecto, si hay `labels` y λ > 0. Con λ = 0 no se calcula nunca.
        """
        batch, count, length = input_ids.shape
        ids = input_ids.reshape(batch * count, length)
        mask = None if attention_mask is None else attention_mask.reshape(batch * count, length)
        # Con relleno a la derecha la máscara causal basta, como en el original: la atención va por su camino rápido.
        right_padded = mask is None or bool(mask[:, 0].all())
        hidden = self.transformer(ids, attention_mask=None if right_padded else mask).last_hidden_state
        if classify_position is None:
            classify_position = (ids == self.config.classify_token_id).long().argmax(-1)
        pooled = hidden[torch.arange(len(ids), device=ids.device), classify_position.reshape(-1)]
        logits = self._logits(pooled.reshape(batch, count, -1))

        if labels is None:
            return TaskOutput(logits=logits)
        clf_loss = task_losses(logits, labels, self.config.objective).mean()
        if self.config.lm_coef == 0 or with_lm is False:
            return TaskOutput(loss=clf_loss, logits=logits, clf_loss=clf_loss)
        real = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask.bool()
        language = lm_loss(hidden, ids, real, self.lm_head)
        loss = clf_loss + self.config.lm_coef * language
        return TaskOutput(loss=loss, logits=logits, clf_loss=clf_loss, lm_loss=language)

    def _logits(self, pooled):
        """Vectores de `_classify_` [B, K, n_embd] → logits."""
        # Un solo sorteo por ejemplo: la misma máscara para sus K secuencias (train.py, líneas 184-188).
        pooled = pooled * self.clf_dropout(torch.ones_like(pooled[:, :1]))
        if self.config.family == "multiple_choice":
            return self.clf_head(pooled).squeeze(-1)
        return self.clf_head(pooled.sum(1))  # en similitud, la suma de los dos órdenes

    def probabilities(self, logits) -> torch.Tensor:
        """Probabilidades [B, clases]; en regresión no las hay y devuelve [B, 0]."""
        return logits[:, :0] if self.config.objective == "regression" else logits.float().softmax(-1)

    def scores(self, logits) -> torch.Tensor:
        """Lo que se compara con la etiqueta [B]: la clase más probable, o la puntuación si la tarea es eso."""
        if self.config.objective == "class":
            return logits.argmax(-1)
        return expected_score(logits) if self.config.objective == "soft" else logits[:, 0].float()


def _outputs(config) -> int:
    if config.family == "multiple_choice" or config.objective == "regression":
        return 1
    return SCORE_CLASSES if config.objective == "soft" else len(config.task_labels)


def _check_objective(task: Task, objective: str | None) -> str:
    objective = objective or ("soft" if task.regression else "class")
    if objective not in OBJECTIVES:
        raise TrainingError(f"No conozco el objetivo «{objective}»: elige {', '.join(OBJECTIVES)}.")
    if (objective == "class") == task.regression:
        what = "una puntuación: «soft» o «regression»" if task.regression else "una clase: «class»"
        raise TrainingError(f"El objetivo «{objective}» no vale para {task.name}, que predice {what}.")
    return objective


def _blocks(n_transfer: int | None, n_layer: int) -> int:
    if n_transfer is None:
        return n_layer
    if not -1 <= n_transfer <= n_layer:
        raise TrainingError(
            f"n_transfer={n_transfer} no puede ser: el modelo tiene {n_layer} bloques (de 0 a {n_layer}; -1 para no "
            "copiar nada)."
        )
    return n_transfer


@torch.no_grad()
def _copy(source, target, blocks: int) -> None:
    """Copia los embeddings de token y posición y los `blocks` primeros bloques."""
    rows = min(len(source.tokens_embed.weight), len(target.tokens_embed.weight))
    target.tokens_embed.weight[:rows] = source.tokens_embed.weight[:rows]
    target.positions_embed.weight.copy_(source.positions_embed.weight)
    for index in range(blocks):
        target.h[index].load_state_dict(source.h[index].state_dict())
