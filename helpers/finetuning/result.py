"""Lo que queda de un ajuste fino: el modelo, su historia, sus aciertos y sus errores; se guarda, se carga y predice."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from sklearn.metrics import confusion_matrix

from helpers import environment
from helpers.files import read_json, write_json
from helpers.finetuning import metrics
from helpers.finetuning.batches import by_length
from helpers.finetuning.model import GPT1ForTask
from helpers.finetuning.recipe import FineTuningRecipe
from helpers.hf import evaluating, silence
from helpers.rules import COUNT
from helpers.tasks import Task, encode_task, find_task, pad
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import TrainingError, check_value

RESULT = "result.json"


@dataclass
class Predictions:
    """Lo que se predice de unas filas: `predicted` [N] (clase, opción o puntuación) y `probabilities` [N, clases].

    `labels` [N] son las respuestas, o `None` si no se conocen; `names`, los nombres de las clases; `rows`, las filas.
    `metrics` está vacío sin respuestas.
    """

    predicted: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray | None
    names: list[str]
    rows: list[dict]
    metrics: dict[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.predicted)

    @property
    def answers(self) -> list:
        """La predicción de cada fila con palabras: el nombre de la clase, la opción elegida o la puntuación."""
        return [self._answer(row, value) for row, value in zip(self.rows, self.predicted, strict=True)]

    @property
    def confusion(self) -> np.ndarray:
        """Matriz de confusión [clases, clases]: las filas son la clase verdadera y las columnas la predicha."""
        if self.labels is None or not np.issubdtype(self.predicted.dtype, np.integer):
            raise TrainingError("No hay matriz de confusión sin respuestas o si se predice una puntuación.")
        return confusion_matrix(self.labels, self.predicted, labels=range(self.probabilities.shape[1]))

    def errors(self) -> list[dict]:
        """Los fallos, del más al menos seguro: la fila con `expected`, `answer` y `probability`.

        Si se predice una puntuación son todas las filas, de la más a la menos desviada, con `difference`.
        """
        if self.labels is None:
            raise TrainingError("Sin las respuestas de estas filas no se sabe cuáles están mal.")
        found = []
        for index, (row, value, label) in enumerate(zip(self.rows, self.predicted, self.labels, strict=True)):
            shown = {**row, "expected": self._answer(row, label), "answer": self._answer(row, value)}
            if not np.issubdtype(self.predicted.dtype, np.integer):
                found.append((abs(float(value - label)), shown | {"difference": float(value - label)}))
            elif value != label:
                probability = float(self.probabilities[index, value])
                found.append((probability, shown | {"probability": probability}))
        return [shown for _, shown in sorted(found, key=lambda pair: -pair[0])]

    def _answer(self, row, value):
        if row["options"]:
            return row["options"][int(value)]
        return self.names[int(value)] if np.issubdtype(type(value), np.integer) else float(value)


@dataclass
class FineTuned:
    """El resultado de `fine_tune`.

    - `model` (con los pesos de la mejor validación), `tokenizer`, `task`, `recipe`.
    - `steps`: por actualización, `step`, `epoch`, `loss`, `clf_loss`, `lm_loss` (si λ > 0), `learning_rate` y
      `grad_norm` (antes de recortar).
    - `evaluations`: por evaluación, `step`, `epoch`, `loss` (la de la tarea) y las métricas de validación.
    - `best`: la evaluación elegida. `validation` y `test`: sus `Predictions` (`test` es `None` si no tiene respuestas).
    """

    model: GPT1ForTask
    tokenizer: GPT1Tokenizer
    task: Task
    recipe: FineTuningRecipe
    steps: list[dict]
    evaluations: list[dict]
    best: dict
    validation: Predictions
    test: Predictions | None = None
    seconds: float = 0.0

    def predict(self, texts, pairs=None, options=None) -> Predictions:
        """Predice textos nuevos: `texts` (y `pairs` si la tarea es de pares, u `options`, listas de respuestas).

        Vale un texto suelto o una lista. Lanza `TrainingError` si alguno está vacío o si faltan los pares o las
        opciones, o no casan.
        """
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list | tuple) or not all(
            isinstance(text, str) and text.strip() for text in texts
        ):
            raise TrainingError(
                f"Para predecir hace falta un texto, o una lista de textos, ninguno vacío, y has dado {texts!r:.60}."
            )
        pairs = [pairs] if isinstance(pairs, str) else pairs
        if isinstance(options, list | tuple) and options and isinstance(options[0], str):
            options = [options]
        needs = {"classification": None, "multiple_choice": "options"}.get(self.task.family, "pairs")
        given = {"pairs": pairs, "options": options}
        for name, value in given.items():
            if (value is not None) != (name == needs):
                verb = "hace falta" if name == needs else "no se usa"
                raise TrainingError(f"En {self.task.name} ({self.task.family}) {verb} `{name}`.")
            if value is None:
                continue
            several = name == "options"  # de cada texto, una lista de dos o más
            listed = (
                [each if several else [each] for each in value] if isinstance(value, list | tuple) else [0]
            )
            if not all(
                isinstance(each, list | tuple)
                and len(each) > several
                and all(isinstance(text, str) and text.strip() for text in each)
                for each in listed
            ):
                what = "una lista de dos respuestas o más" if several else "un texto"
                raise TrainingError(
                    f"En `{name}` hace falta {what} por cada texto, sin vacíos: {value!r:.60} no vale."
                )
            if len(value) != len(texts):
                raise TrainingError(f"Hay {len(texts)} textos y {len(value)} en `{name}`: uno por texto.")
        rows = [
            {"id": str(index), "text": text, "pair": pairs[index] if pairs else "",
             "options": list(options[index]) if options else [], "label": -1, "score": float("nan")}
            for index, text in enumerate(texts)
        ]  # fmt: skip
        return self.evaluate(rows)

    def evaluate(self, rows, batch: int = 32) -> Predictions:
        """`Predictions` de unas filas con las columnas de `load_task` (o de una parte suya), en su mismo orden."""
        check_value("batch", batch, COUNT)
        return predict_rows(self.model, self.tokenizer, self.task, rows, batch)

    def save(self, folder) -> Path:
        """Guarda modelo, tokenizador y `result.json` en `folder`."""
        folder = Path(folder)
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        state = {name: getattr(self, name) for name in ("steps", "evaluations", "best", "seconds")}
        state |= {"task": self.task.name, "recipe": asdict(self.recipe)}
        state |= {name: _to_json(getattr(self, name)) for name in ("validation", "test")}
        write_json(folder / RESULT, state)  # lo último: si está, está todo
        return folder

    @classmethod
    def load(cls, folder, task: Task | None = None, device=None) -> "FineTuned":
        """Lee lo que dejó `save`. `task` solo hace falta si no es del catálogo. Lanza `TrainingError` si falta algo.

        El modelo queda en `device` o, si no se dice, en el mejor que haya, como con `models.load`.
        """
        folder = Path(folder)
        if not (folder / RESULT).is_file():
            raise TrainingError(f"En {folder} no hay ningún ajuste fino acabado: falta {RESULT}.")
        place = environment.check_device(device)
        state = read_json(folder / RESULT, TrainingError)
        try:
            return cls(
                model=_whole_model(folder).to(place).eval(),
                tokenizer=GPT1Tokenizer.from_pretrained(folder),
                task=task or find_task(state.pop("task")),
                recipe=FineTuningRecipe(**state.pop("recipe")),
                **{name: _from_json(state.pop(name)) for name in ("validation", "test")},
                **{name: state[name] for name in ("steps", "evaluations", "best", "seconds")},
            )
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            OSError,
            RuntimeError,
            SafetensorError,
        ) as error:
            told = " ".join(f"{type(error).__name__}: {error}".split())
            raise TrainingError(
                f"El ajuste fino de {folder} está dañado ({told:.120}): bórralo y vuelve a hacerlo."
            ) from error


def _whole_model(folder: Path) -> GPT1ForTask:
    """El modelo de `folder`. Lanza `ValueError` si le faltan o le sobran pesos, o si no son números."""
    with silence():
        model, found = GPT1ForTask.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    wrong = [name for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for name in found[kind]]
    wrong += [name for name, values in model.named_parameters() if not torch.isfinite(values).all()]
    if wrong:
        raise ValueError(f"no está bien {wrong[0]}")
    return model


def predict_rows(model, tokenizer, task: Task, rows, batch: int = 32, verbose: bool = False) -> Predictions:
    """`Predictions` de `model` para unas filas, por lotes de longitud parecida y en el orden de las filas."""
    rows = [dict(row) for row in rows]
    if not rows:
        raise TrainingError("No hay nada que predecir: pasa al menos un texto.")
    encoded = encode_task(rows, task, tokenizer, model.config.n_positions, verbose=verbose)
    order, logits = by_length(encoded.lengths), [None] * len(rows)
    with evaluating(model):
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            inputs = pad([encoded[index] for index in chosen], tokenizer.pad_token_id)
            inputs.pop("labels", None)
            outputs = model(**{name: tensor.to(model.device) for name, tensor in inputs.items()}).logits
            for index, row in zip(chosen, outputs.float().cpu(), strict=True):
                logits[index] = row
    logits = torch.stack(logits)
    predicted = model.scores(logits).numpy()
    labels = _known_labels(task, rows)
    scores = {} if labels is None else metrics.compute(task.metrics, labels, predicted)
    names = list(model.config.task_labels)
    return Predictions(predicted, model.probabilities(logits).numpy(), labels, names, rows, scores)


def _known_labels(task: Task, rows: list[dict]) -> np.ndarray | None:
    """Las respuestas de las filas, o `None` si alguna no se sabe."""
    labels = np.array([row["score"] if task.regression else row["label"] for row in rows])
    unknown = np.isnan(labels) if task.regression else labels < 0
    return None if unknown.any() else labels


def _to_json(predictions: Predictions | None) -> dict | None:
    if predictions is None:
        return None
    arrays = {
        name: None if value is None else value.tolist()
        for name, value in asdict(predictions).items()
        if name in ("predicted", "probabilities", "labels")
    }
    return arrays | {"names": predictions.names, "rows": predictions.rows, "metrics": predictions.metrics}


def _from_json(state: dict | None) -> Predictions | None:
    if state is None:
        return None
    arrays = {
        name: None if state[name] is None else np.array(state[name]) for name in ("predicted", "labels")
    }
    probabilities = np.array(state["probabilities"], dtype=np.float32).reshape(len(state["predicted"]), -1)
    # la puntuación que no hay es NaN, y JSON no lo tiene
    rows = [row | {"score": float("nan") if row["score"] is None else row["score"]} for row in state["rows"]]
    return Predictions(
        arrays["predicted"], probabilities, arrays["labels"], state["names"], rows, state["metrics"]
    )
