"""Qué modelo se usa: el que viene con el curso, el GPT-1 de verdad o el de una carpeta tuya.

`load()` devuelve el modelo y su tokenizador, y dice en una línea qué ha cargado y de dónde. Solo se leen pesos en
safetensors. Lección 00.
"""

import codecs
import os
import re
from pathlib import Path

import torch
from huggingface_hub import get_session, hf_hub_url
from safetensors import SafetensorError, safe_open
from transformers import GenerationConfig, OpenAIGPTConfig
from transformers.utils import cached_file

from helpers import environment, files
from helpers import int8 as int8_weights
from helpers.given import check_flags
from helpers.gpt import ACTIVATIONS
from helpers.hf import GPT1LMHeadModel, silence
from helpers.spanish import number
from helpers.tokenizer import GPT1Tokenizer

MINI = environment.ROOT / "data" / "gpt1-mini"
HUB_NAME = "openai-community/openai-gpt"
ALIASES = {"gpt1-mini": str(MINI), "openai-gpt": HUB_NAME, HUB_NAME: HUB_NAME}
FILES = ("config.json", "vocab.json", "merges.txt", "model.safetensors")
VARIABLE = "GPT1_MODELO"
# Las medidas de los pesos publicados: artículo, §4.1, y su vocabulario.
# Con medidas mayores, crear el modelo agotaría la memoria o no acabaría: es un archivo dañado.
LARGEST = {"n_layer": 1000, "n_embd": 100_000, "n_positions": 1_000_000, "vocab_size": 10_000_000}
PUBLISHED_SHAPE = {"n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 512, "vocab_size": 40478}

# Lo que se lee de config.json: lo demás es de transformers (qué clase devuelve, con qué núcleos…) y aquí no cuenta.
SETTINGS = (
    *PUBLISHED_SHAPE, "afn", "embd_pdrop", "attn_pdrop", "resid_pdrop", "layer_norm_epsilon", "initializer_range",
    "pad_token_id", "bos_token_id", "eos_token_id",
)  # fmt: skip
DTYPES = ("F32", "F16", "BF16")  # los que caben en fp32, en que se trabaja, sin perder nada
MASK = re.compile(r"\.attn\.bias$")


class ModelError(Exception):
    """No se ha podido cargar el modelo pedido; el mensaje dice qué se encontró y qué hacer."""


def load(name: str = "auto", device: str | None = None, verbose: bool = True, int8: bool = False):
    """Carga `(modelo, tokenizador)`; el modelo queda en modo evaluación, en fp32.

    Con `int8=True`, los pesos se quedan en un byte cada uno, para escribir con `openai-gpt` en un portátil: solo en la
    CPU, y ese modelo ni se entrena ni se guarda (`helpers/int8.py`). Sus logits son casi los mismos.

    `name`: `"gpt1-mini"` (el del curso), `"openai-gpt"` (Hub o su caché), una carpeta, o `"auto"`: la variable de
    entorno `GPT1_MODELO` si existe y, si no, `gpt1-mini`, también en Colab: así lo que dice una lección es cierto para
    quien la lee. Nunca se cambia en silencio el modelo pedido por otro. Lanza `ModelError` con una frase que dice qué
    falla, y `environment.DeviceError` si no hay tal `device`.
    """
    check_flags(int8=int8)
    if int8:
        device = _int8_device(device)
    wanted, why = choose(name)
    label, folder, origin = _locate(wanted)
    model, tokenizer = _load(label, folder, device)
    if verbose:
        other = " Los comentarios de las lecciones hablan de gpt1-mini: tus números serán otros."
        about = f"{_described(model, label, origin)}{', en int8' if int8 else ''}{why}"
        print(f"{about}.{'' if folder.resolve() == MINI else other}")
    return int8_weights.quantize(model) if int8 else model, tokenizer


def _int8_device(device: str | None) -> str:
    """El dispositivo de un modelo en int8, que es siempre la CPU; `ModelError` si no puede ser."""
    if device not in (None, "cpu"):
        raise ModelError(
            f'El int8 del curso es para la CPU y se ha pedido {device!r:.40}: quita int8 o usa device="cpu".'
        )
    if not int8_weights.supported():
        raise ModelError(
            "El int8 del curso necesita un procesador x86 y este no lo es: carga el modelo sin int8."
        )
    return "cpu"


def published(download: bool = False, folder=None, device: str | None = None):
    """El GPT-1 que publicó OpenAI, `(modelo, tokenizador)`, si está a mano; si no, `None` y una línea que dice cómo.

    Está a mano si ya se descargó a la caché del Hub, si `download` da permiso para descargarlo (479 MB) o si `folder`
    es una carpeta con sus cuatro archivos. Es lo que usan las secciones «Con el GPT-1 de verdad», que nunca cambian el
    modelo de la lección: si la descarga falla o llega dañada, lo dice y devuelve `None`. Lanza `ModelError` si los
    archivos de `folder` no casan o si el modelo no mide lo que el publicado.
    """
    if folder is None and not download and not in_hub_cache():
        print(
            "Los pesos de OpenAI no están en esta máquina: abajo está lo publicado. Para verlo tú, pon DESCARGAR = "
            "True y ejecuta desde aquí (descarga 479 MB)."
        )
        return None
    if folder is None and not in_hub_cache():
        print("Descargo 479 MB de huggingface.co, sin barra: puede tardar varios minutos.", flush=True)
    try:
        label, place, origin = _locate("openai-gpt" if folder is None else str(folder))
        model, tokenizer = _load(label, place, device)
    except (ModelError, OSError) as error:  # también una caché en la que no se puede escribir
        if folder is not None:
            raise
        print(f"{error} Mientras tanto, abajo está lo publicado.")
        return None
    found = {name: getattr(model.config, name) for name in PUBLISHED_SHAPE}
    wrong = [
        f"{name} es {found[name]} y no {size}"
        for name, size in PUBLISHED_SHAPE.items()
        if found[name] != size
    ]
    if wrong:
        raise ModelError(
            f"{label} no es el GPT-1 publicado ({', '.join(wrong)}): pasa una carpeta con los archivos de {HUB_NAME}."
        )
    # Si una carpeta trae otros pesos de la misma forma, lo dirán las comparaciones.
    print(f"{_described(model, label, origin)}.")
    return model, tokenizer


def _load(label: str, folder: Path, device: str | None):
    """(modelo en evaluación y fp32, tokenizador) de una carpeta ya localizada; `DeviceError` si `device` no sirve."""
    device = environment.check_device(device)  # antes de leer nada
    tokenizer = _load_tokenizer(folder, label)
    model = load_weights(folder, label)
    if len(tokenizer) != model.config.vocab_size:
        raise ModelError(
            f"El vocabulario de {label} tiene {len(tokenizer)} entradas y sus embeddings {model.config.vocab_size}: "
            "vocab.json y model.safetensors no son del mismo modelo; vuelve a copiar la carpeta entera."
        )
    tokenizer.model_max_length = model.config.n_positions
    return model.to(device).eval(), tokenizer


def _described(model, label: str, origin: str) -> str:
    size = number(model.num_parameters() / 1e6, 1)
    return f"Modelo {label} ({size} M de parámetros), {origin}, en {model.device.type}"


def _is_hub(wanted: str) -> bool:
    return ALIASES.get(wanted, wanted) == HUB_NAME


def choose(name: str = "auto") -> tuple[str, str]:
    """Qué modelo toca para `name` → (nombre o carpeta, motivo en español para el mensaje)."""
    if not isinstance(name, str | Path) or not str(name):
        raise ModelError(
            f'El modelo se pide por su nombre o por su carpeta, como "gpt1-mini", y se ha dado {name!r:.40}.'
        )
    if name != "auto":
        return str(name), ""
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE], f" (lo pide {VARIABLE})"
    return "gpt1-mini", ""


def in_hub_cache() -> bool:
    """¿Están ya en la caché del Hub los cuatro archivos de `openai-gpt`?"""
    return all(_hub_file(name, local_files_only=True) for name in FILES)


def found() -> tuple[bool, str]:
    """Para el informe del entorno: (¿hay modelo?, frase) según lo que elegiría `load()`, sin cargarlo."""
    wanted, why = choose()
    try:
        label, _, origin = _locate(wanted)
    except ModelError as error:
        return False, str(error)
    return True, f"Modelo: {label}, {origin}{why}"


def _locate(wanted: str) -> tuple[str, Path, str]:
    """(nombre para los mensajes, carpeta con los cuatro archivos, procedencia)."""
    if _is_hub(wanted):
        return "openai-gpt", _download(), f"de {HUB_NAME}"
    folder = files.expanded(ALIASES.get(wanted, wanted))
    label = wanted if wanted in ALIASES else folder.name
    if not folder.is_dir():
        raise ModelError(
            f'No existe el modelo «{wanted}»: usa "gpt1-mini", "openai-gpt" o la ruta de una carpeta con '
            f"{', '.join(FILES)}."
        )
    folders = [name for name in FILES if (folder / name).is_dir()]
    if folders:
        raise ModelError(
            f"En la carpeta {label}, {' y '.join(folders)} es una carpeta y tiene que ser un archivo."
        )
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"En la carpeta {label} falta {' y '.join(missing)}: hacen falta {', '.join(FILES)}."
        )
    return label, folder, "incluido en el curso" if folder.resolve() == MINI else f"de la carpeta {label}"


def _download() -> Path:
    """Carpeta de la caché del Hub con los cuatro archivos, que se descargan si faltan (479 MB la primera vez)."""
    if not in_hub_cache() and not hub_reachable():
        raise ModelError(
            f"No se puede descargar {HUB_NAME}: la primera vez hace falta conexión con huggingface.co. Sin red puedes "
            'seguir con load("gpt1-mini").'
        )
    paths = [_hub_file(name) for name in FILES]
    if None in paths:
        raise ModelError(
            f"La descarga de {HUB_NAME} ha fallado en {FILES[paths.index(None)]}: vuelve a intentarlo."
        )
    return Path(paths[0]).parent


def hub_reachable() -> bool:
    """Una sola pregunta corta al Hub: sus propios reintentos tardan medio minuto por archivo."""
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False
    try:
        return get_session().head(hf_hub_url(HUB_NAME, "config.json"), timeout=10).status_code < 400
    except Exception:  # cada versión de huggingface_hub usa una biblioteca HTTP con sus propios errores
        return False


def _hub_file(name: str, local_files_only: bool = False) -> str | None:
    return cached_file(
        HUB_NAME,
        name,
        local_files_only=local_files_only,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )


def _load_tokenizer(folder: Path, label: str) -> GPT1Tokenizer:
    try:
        return GPT1Tokenizer.from_pretrained(folder)
    except Exception as error:  # lo que no mira GPT1Tokenizer lo valida transformers, con sus propios errores
        found = getattr(error, "found", error)
        raise ModelError(f"El vocabulario de {label} no se entiende ({found}). {_repair(label)}") from error


def _load_config(folder: Path, label: str) -> OpenAIGPTConfig:
    """La configuración, si con ella se puede construir un GPT-1."""
    raw = _read_settings(folder / "config.json", label)
    wrong = [
        f"{name} es {raw[name]!r} y tiene que ser un entero de 1 en adelante"
        if name in raw
        else f"falta {name}"
        for name in PUBLISHED_SHAPE
        if type(raw.get(name)) is not int or raw[name] < 1
    ]
    wrong += [
        f"{name} es {raw[name]} y lo más que admite el curso es {most}"
        for name, most in LARGEST.items()
        if type(raw.get(name)) is int and raw[name] > most
    ]
    for name in ("embd_pdrop", "attn_pdrop", "resid_pdrop", "initializer_range"):
        rate = raw.get(name, 0)
        if type(rate) not in (int, float) or not 0 <= rate <= 1:
            wrong.append(f"{name} es {rate!r} y tiene que ser un número de 0 a 1")
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        token, size = raw.get(name), raw.get("vocab_size")
        if token is not None and (type(token) is not int or type(size) is not int or not 0 <= token < size):
            wrong.append(f"{name} es {token!r:.40} y tiene que ser un id del vocabulario, o ninguno")
    epsilon = raw.get("layer_norm_epsilon", 1e-5)
    if type(epsilon) is not float or not 0 < epsilon <= 0.01:
        wrong.append(
            f"layer_norm_epsilon es {epsilon!r} y tiene que ser un número positivo, de 0.01 como mucho"
        )
    kind, afn = raw.get("model_type", OpenAIGPTConfig.model_type), raw.get("afn", "gelu")
    if kind != OpenAIGPTConfig.model_type:
        wrong.append(f"model_type es {kind!r} y el de GPT-1 es {OpenAIGPTConfig.model_type}")
    if afn not in list(ACTIVATIONS):
        wrong.append(f"afn es {afn!r} y tiene que ser {', '.join(sorted(ACTIVATIONS))}")
    if not wrong and raw["n_embd"] % raw["n_head"]:
        wrong.append(f"n_embd es {raw['n_embd']} y no se reparte entre las {raw['n_head']} cabezas de n_head")
    if wrong:
        raise ModelError(f"El config.json de {label} no es de un GPT-1: {'; '.join(wrong)}. {_repair(label)}")
    try:
        return OpenAIGPTConfig(**{name: raw[name] for name in SETTINGS if name in raw})
    except Exception as error:  # los demás campos los valida transformers, con sus propios errores
        raise ModelError(
            f"El config.json de {label} no se entiende ({_brief(error)}). {_repair(label)}"
        ) from error


def _brief(error: Exception) -> str:
    return f"{' '.join(str(error).split()):.120}" or type(error).__name__


def _read_settings(path: Path, label: str) -> dict:
    """El objeto de un archivo JSON de la carpeta; la marca inicial de UTF-8 no la entiende transformers."""
    try:
        with files.opened(path, ModelError) as file:
            settings = files.parse_object(files.Place(path, kind=ModelError), file.read())
    except ModelError as error:
        found = str(error).rstrip(".")
        raise ModelError(f"El {path.name} de {label} no se entiende ({found}). {_repair(label)}") from error
    if path.read_bytes().startswith(codecs.BOM_UTF8):
        raise ModelError(
            f"El {path.name} de {label} empieza por la marca inicial de UTF-8, que transformers no entiende: guárdalo "
            "como UTF-8 sin ella."
        )
    return settings


def load_weights(folder: Path, label: str, **changes) -> GPT1LMHeadModel:
    """Lee configuración y pesos: un parámetro que falte, sobre, no mida lo debido o no sea finito es un error.

    `changes` cambia la configuración antes de crear el modelo.
    """
    config = _load_config(folder, label)
    config.update(changes)
    _check_header(folder / "model.safetensors", config, label)
    if (folder / "generation_config.json").is_file():  # si está dañado, transformers lo pasa por alto
        _read_settings(folder / "generation_config.json", label)
    try:
        with silence():
            model = GPT1LMHeadModel.from_pretrained(
                folder, config=config, dtype=torch.float32, use_safetensors=True
            )
    except Exception as error:  # un campo raro de config.json, o una memoria que no llega
        raise ModelError(
            f"No se puede crear el modelo de {label} ({_brief(error)}). {_repair(label)}"
        ) from error
    model.generation_config = GenerationConfig.from_model_config(config)  # lo que pida la carpeta no cuenta
    if model.lm_head.weight is not model.transformer.tokens_embed.weight:
        raise ModelError(
            f"En {label}, lm_head.weight no es igual que tokens_embed.weight y en GPT-1 son la misma matriz. "
            f"{_repair(label)}"
        )
    check_finite(model, label, _repair(label))
    return model


def check_finite(model, label: str = "tu modelo", repair: str = "Carga otro con models.load.") -> None:
    """Lanza `ModelError`, con el nombre del parámetro, si algún peso de `model` no es un número finito."""
    for name, values in model.named_parameters():
        if bad := values.numel() - int(values.isfinite().sum()):
            raise ModelError(
                f"El parámetro {name} de {label} tiene {bad} valores que no son números finitos: "
                f"son los pesos de un entrenamiento que divergió o de un archivo dañado. {repair}"
            )


def _check_header(path: Path, config: OpenAIGPTConfig, label: str) -> None:
    """Nombres, medidas y tipos de los parámetros de `path`, que están en su cabecera: se miran sin leer los pesos."""
    try:
        with safe_open(path, framework="pt") as file:
            parts = {name: file.get_slice(name) for name in list(file.keys())}
            found = {name: (part.get_shape(), part.get_dtype()) for name, part in parts.items()}
    except (SafetensorError, OSError) as error:
        size = path.stat().st_size
        raise ModelError(
            f"El archivo model.safetensors de {label} está incompleto o dañado ({size} bytes). {_repair(label)}"
        ) from error
    if not any(name.endswith("tokens_embed.weight") for name in found):
        raise ModelError(
            f"Los pesos de {label} no son de un GPT-1 (no está tokens_embed.weight). {_repair(label)}"
        )
    with torch.device("meta"):
        expected = {
            name.removeprefix("transformer."): list(value.shape)
            for name, value in GPT1LMHeadModel(config).named_parameters()
        }
    # Los del Hub van sin «transformer.» y traen la máscara como si fuera un parámetro (helpers/hf.py).
    found = {
        name.removeprefix("transformer."): about for name, about in found.items() if not MASK.search(name)
    }
    shapes = {name: shape for name, (shape, _) in found.items() if name != "lm_head.weight"}
    sizes = [name for name in expected.keys() & shapes if shapes[name] != expected[name]]
    kinds = {
        "faltan": expected.keys() - shapes,
        "sobran": shapes.keys() - expected,
        "no miden lo que deben": sizes,
    }
    wrong = [f"{word} {len(names)} parámetros ({min(names)}…)" for word, names in kinds.items() if names]
    if wrong:
        raise ModelError(
            f"Los pesos de {label} no casan con su config.json: {'; '.join(wrong)}. {_repair(label)}"
        )
    for name, (_, dtype) in found.items():
        if dtype not in DTYPES:
            raise ModelError(
                f"El parámetro {name} de {label} es de tipo {dtype} y los pesos se guardan en {', '.join(DTYPES)}. "
                f"{_repair(label)}"
            )


def _repair(label: str) -> str:
    if label == "gpt1-mini":
        return "Recupera la carpeta data/gpt1-mini del curso (por ejemplo con `git checkout data/gpt1-mini`)."
    if label == "openai-gpt":
        return "Bórralo de la caché del Hub y vuelve a descargarlo."
    return "Vuelve a copiar la carpeta entera."
