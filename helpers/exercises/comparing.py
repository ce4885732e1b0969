"""Comparar una respuesta con la esperada, sea cual sea su tipo, y decir en español en qué se aparta.

Lo que cuenta son los números: valen igual un tensor, un array, una lista o una tupla de la misma forma.
"""

import decimal
import inspect
import itertools
import numbers
import re
from collections.abc import Collection, Mapping

import numpy
import torch
from transformers import PreTrainedConfig

from helpers.spanish import significant

NOTHING = type("Nothing", (), {"__repr__": lambda self: "nada"})()  # lo que falta en un diccionario
SHORT = 90  # caracteres con los que un valor todavía se enseña entero


class Stages(dict):
    """Lo que sale tras cada etapa de una cuenta larga, en su orden: {etapa: valor}. Se dice tras cuál se aparta.

    Las de `clues` sirven para decirlo y no cuentan: quien llega al mismo sitio por otro camino lo ha hecho bien.
    """

    def __init__(self, stages: Mapping, clues: Collection[str] = ()):
        super().__init__(stages)
        self.clues = clues

    def counted(self) -> dict:
        return {name: value for name, value in self.items() if name not in self.clues}


def same(found, expected, tolerance: float) -> bool:
    """¿Es `found` lo que se esperaba, con esa tolerancia relativa?"""
    if isinstance(expected, list | tuple):
        if isinstance(found, str) and all(isinstance(item, str) and len(item) == 1 for item in expected):
            found = re.findall(r"\w", found)  # «bca» y «b, c, a» valen por ["b", "c", "a"]
        items = _sequence(found)
        return (
            items is not None
            and len(items) == len(expected)
            and all(same(one, other, tolerance) for one, other in zip(items, expected, strict=True))
        )
    if isinstance(expected, Stages) and isinstance(found, Stages):
        return same(found.counted(), expected.counted(), tolerance)
    if isinstance(expected, Mapping):
        return (
            isinstance(found, Mapping)
            and found.keys() == expected.keys()
            and all(same(found[key], expected[key], tolerance) for key in expected)
        )
    other = as_tensor(expected)
    if other is not None:
        one = as_tensor(found)
        return one is not None and one.shape == other.shape and bool(_close(one, other, tolerance).all())
    if isinstance(expected, str):
        if not isinstance(found, str):
            return False
        option = len(expected) == 1 and expected.isalpha()
        return found == expected or (option and _letter(found) == expected.lower())
    return type(found) is type(expected) and bool(found == expected)


def other_kind(found, expected) -> str:
    """Qué se esperaba, si `found` dice lo mismo que `expected` con otro tipo: «un tensor», «una lista»… Si no, «».

    `same` no distingue un tensor de la lista de sus números; el código que viene después, sí.
    """
    if isinstance(expected, torch.Tensor):
        alike = isinstance(found, torch.Tensor) and found.shape == expected.shape
        if alike and found.is_floating_point() != expected.is_floating_point():
            return "números enteros" if found.is_floating_point() else "números con decimales"
        if alike and found.dtype != expected.dtype:
            return f"un tensor de {str(expected.dtype).removeprefix('torch.')}"
        if alike and expected.requires_grad and not found.requires_grad:
            return "un tensor que lleve a los gradientes (sin .item(), .detach() ni no_grad)"
        return "" if alike else "un tensor"
    if isinstance(expected, list | tuple):
        if type(found) is not type(expected):
            return "una lista" if isinstance(expected, list) else "una tupla"
        return next(filter(None, map(other_kind, found, expected)), "")
    if isinstance(expected, Stages) and isinstance(found, Stages):
        return other_kind(found.counted(), expected.counted())
    if isinstance(expected, Mapping):
        if not isinstance(found, dict):
            return "un diccionario"
        pairs = ((dict.__getitem__(found, key), expected[key]) for key in expected)
        return next(filter(None, itertools.starmap(other_kind, pairs)), "")
    if isinstance(expected, int | float) and not isinstance(found, numbers.Number | numpy.bool_):
        return "un número"
    return ""


def changed(found, before) -> bool:
    """¿Ha cambiado algo de lo que se dio? Mira tensores, listas, diccionarios y configuraciones."""
    if isinstance(before, torch.Tensor):
        return found.shape != before.shape or not torch.allclose(
            found, before, rtol=0, atol=0, equal_nan=True
        )
    if isinstance(before, list | tuple):
        return len(found) != len(before) or any(map(changed, found, before))
    if isinstance(before, dict):
        return found.keys() != before.keys() or any(changed(found[key], before[key]) for key in before)
    if isinstance(before, int | float | str | PreTrainedConfig):
        return found != before
    return False


def _letter(text: str) -> str:
    """«b», «B», «b)» y «(b)» son la misma letra: las dos últimas, como se escriben en el enunciado."""
    text = text.strip().lower()
    bracketed = re.fullmatch(r"\(?\s*([^\W\d_])\s*\)", text)
    return bracketed[1] if bracketed else text


def difference(found, expected, tolerance: float, tell: bool = False) -> str:
    """En qué se aparta un resultado del esperado (tipo, forma, cuánto está bien); con `tell`, también cuál era."""
    odd = _odd(found)
    if odd:
        return odd
    if isinstance(expected, Stages) and isinstance(found, Stages):
        return _departure(found, expected, tolerance)
    sentence = _difference(found, expected, tolerance)
    told = _told(found, expected, tolerance) if tell and _writable(expected) else ""
    if told and sentence.endswith(("no es lo que se espera.", "no es el que se espera.")):
        return told[0].lower() + told[1:]
    return f"{sentence} {told}".strip()


def _departure(found: Stages, expected: Stages, tolerance: float) -> str:
    """La primera etapa en que dos cuentas se apartan, y cuál es la última en que coinciden."""
    before = ""
    for name, value in expected.items():
        if name in found and same(found[name], value, tolerance):
            before = name
            continue
        start = f"coincide hasta {before} y se aparta en {name}" if before else f"se aparta ya en {name}"
        if name not in found:
            return f"{start}: tu código no llama a esa pieza."
        if isinstance(value, Mapping) and isinstance(found[name], Mapping):
            return f"{start}: {_names_apart(found[name], value)}"
        return f"{start}: {difference(found[name], value, tolerance)}"
    return "hay etapas de más."


def _names_apart(found: Mapping, expected: Mapping) -> str:
    """Qué nombres faltan o sobran o, si son los que son, el primero que no vale lo que se espera."""
    missing, extra = (
        [name for name in a if name not in b] for a, b in ((expected, found), (found, expected))
    )
    told = [
        f"{verb}{'n' if len(names) > 1 else ''} {_few(names)}"
        for verb, names in (("falta", missing), ("sobra", extra))
        if names
    ]
    if told:
        return f"{' y '.join(told)}."
    name = next(name for name in expected if found[name] != expected[name])
    return f"{name} debería medir {list(expected[name])} y mide {list(found[name])}."


def _few(names: list[str], shown: int = 3) -> str:
    rest = f" y {len(names) - shown} más" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{rest}"


def _difference(found, expected, tolerance: float) -> str:
    if isinstance(expected, list | tuple):
        return _list_difference(found, expected, tolerance)
    other = as_tensor(expected)
    if other is None:
        alike = isinstance(found, Mapping if isinstance(expected, Mapping) else type(expected))
        return "el resultado no es el que se espera." if alike else _another_kind(found, expected)
    one = as_tensor(found)
    if one is None or (one.shape != other.shape and isinstance(found, list | tuple)):
        comma = isinstance(found, tuple) and not isinstance(expected, torch.Tensor)
        hint = " En Python, los decimales llevan punto: 2.5, no 2,5." if comma else ""
        return _another_kind(found, expected) + hint
    if one.shape != other.shape:
        return f"la forma debería ser {list(other.shape)} y es {list(one.shape)}."
    if other.dim() == 0:
        return f"te sale {significant(one.item())} y no es lo que se espera."
    right = _close(one, other, tolerance).float().mean().item()
    return f"la forma {list(other.shape)} está bien; coincide el {100 * right:.0f} % de los valores."


def _list_difference(found, expected, tolerance: float) -> str:
    items = _sequence(found)
    if items is None:
        return f"se espera una lista de {len(expected)} elementos y has dado {kind(found)}."
    if len(items) != len(expected):
        return f"se esperan {len(expected)} elementos y has dado {len(items)}."
    right = sum(same(one, other, tolerance) for one, other in zip(items, expected, strict=True))
    verb = "está" if right == 1 else "están"
    return f"{right} de los {len(expected)} elementos {verb} en su sitio."


def _another_kind(found, expected) -> str:
    return f"se espera {kind(expected)} y has dado {kind(found)}."


def _odd(found) -> str:
    """Lo que no es un resultado sino un despiste al devolverlo; vacío si no lo es."""
    if inspect.iscoroutine(found) or inspect.isasyncgen(found):
        return "tu función está definida con `async`: quita esa palabra y devuelve el resultado con return."
    if inspect.isgenerator(found) or isinstance(found, map | filter | zip | range):
        return f"has dado {kind(found)}: conviértelo en lista con list(…) o usa return en vez de `yield`."
    if isinstance(found, type):
        return f"has dado una clase ({found.__name__}), no un valor."
    if callable(found) and not isinstance(found, torch.nn.Module):
        return "has dado una función en vez de su resultado: ¿faltan los paréntesis de la llamada?"
    return ""


def _writable(value) -> bool:
    """¿Se escribe con `shown`, o es un objeto con muchas cosas dentro?"""
    return isinstance(value, str | list | tuple | Mapping) or as_tensor(value) is not None


def _told(found, expected, tolerance: float) -> str:
    """«Sale … y se esperaba …»: enteros si caben; si no, en el primer sitio en que se apartan."""
    where = ""
    while True:
        if max(size(found), size(expected)) <= SHORT:
            for digits in (
                4,
                8,
                15,
            ):  # dos números que solo se distinguen más allá se escriben con más cifras
                one, other = shown(found, digits), shown(expected, digits)
                if one != other:
                    break
            if max(len(one), len(other)) <= SHORT:
                at = f"En {where} sale" if where else "Sale"
                return f"{at} {one} y se esperaba {other}."
        place = _first_difference(found, expected, tolerance)
        if place is None:
            return ""
        step, found, expected = place
        where += step


def _first_difference(found, expected, tolerance: float):
    """(«[2]», lo que hay, lo esperado) del primer elemento que se aparta, o `None` si no se puede bajar más."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in expected:
            if key not in found:
                return f"[{_key(key)}]", NOTHING, expected[key]
            if not same(found[key], expected[key], tolerance):
                return f"[{_key(key)}]", found[key], expected[key]
        extra = next((key for key in found if key not in expected), None)
        return None if extra is None else (f"[{_key(extra)}]", found[extra], NOTHING)
    one, other = as_tensor(found), as_tensor(expected)
    if one is not None and other is not None:
        if one.shape != other.shape or not other.dim():
            return None
        place = (~_close(one, other, tolerance)).nonzero()[0].tolist()
        return str(place), one[tuple(place)].item(), other[tuple(place)].item()
    items, wanted = _sequence(found), _sequence(expected)
    if items is None or wanted is None or len(items) != len(wanted):
        return None
    for place, (one, other) in enumerate(zip(items, wanted, strict=True)):
        if not same(one, other, tolerance):
            return f"[{place}]", one, other
    return None


def _close(one: torch.Tensor, other: torch.Tensor, tolerance: float) -> torch.Tensor:
    """Qué valores coinciden; la tolerancia absoluta no crece, para que dos números casi nulos no se confundan."""
    return torch.isclose(one, other, rtol=tolerance, atol=min(tolerance, 1e-4), equal_nan=True)


def as_tensor(value) -> torch.Tensor | None:
    """Los números de `value` en float64 y en la CPU, con su forma; `None` si no son números.

    Vale un número (también los de NumPy, fracciones y enteros de cualquier tamaño), un tensor (con gradiente, disperso,
    cuantizado), un array o una lista de listas regular. Los complejos no: aquí no los espera nadie.
    """
    try:
        if isinstance(value, torch.Tensor):
            return _plain(value)
        if isinstance(value, bool | numpy.bool_ | numbers.Real | decimal.Decimal):
            return torch.tensor(_float(value), dtype=torch.float64)
        if isinstance(value, list | tuple):
            # lo que guarda, aunque su clase cuente otra cosa al recorrerla (o no acabe nunca)
            items = list((list if isinstance(value, list) else tuple).__iter__(value))
            if (
                items
                and {type(item) for item in items} <= {int, float, bool}
                and max(map(abs, items)) < 2**63
            ):
                return torch.tensor(items, dtype=torch.float64)  # lo mismo, mucho más deprisa
            parts = [as_tensor(item) for item in items]
            if any(part is None or part.shape != parts[0].shape for part in parts):
                return None
            return torch.stack(parts) if parts else torch.zeros(0, dtype=torch.float64)
        if hasattr(value, "__array__"):
            array = numpy.asarray(value)
            if array.dtype.kind == "O":
                return as_tensor(array.tolist())
            return torch.tensor(array.astype(numpy.float64)) if array.dtype.kind in "buif" else None
    except (
        Exception,
        SystemExit,
    ):  # un objeto ajeno puede fallar de cualquier modo: entonces no es un número
        return None
    return None


def _plain(tensor: torch.Tensor) -> torch.Tensor | None:
    tensor = tensor.detach()
    if tensor.is_complex() or tensor.is_meta or tensor.is_nested:
        return None
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    tensor = tensor if tensor.layout == torch.strided else tensor.to_dense()
    return tensor.cpu().double()  # por ese orden: las GPU de Apple no tienen float64


def _float(value) -> float:
    try:
        return float(value)
    except OverflowError:  # un entero de más de 308 cifras
        return float("inf") if value > 0 else float("-inf")


def _sequence(value) -> list | None:
    """Los elementos de una lista, tupla, tensor o array; `None` si no es nada de eso."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, torch.Tensor):
        plain = as_tensor(value)
        return None if plain is None or not plain.dim() else list(plain)
    if isinstance(value, numpy.ndarray) and value.ndim:
        return list(value)
    return None


KINDS = {
    str: "un texto",
    list: "una lista",
    tuple: "una tupla",
    dict: "un diccionario",
    set: "un conjunto",
    bool: "un sí o no (bool)",
    int: "un número",
    float: "un número",
    complex: "un número complejo",
    type(None): "nada (None)",
    range: "un range",
    map: "un map",
    filter: "un filter",
    zip: "un zip",
}


def kind(value) -> str:
    """Qué es `value`, con su artículo: «una lista», «un tensor de forma [2, 3]»."""
    try:
        return _kind(value)
    except (Exception, SystemExit):  # hasta preguntarle su clase puede fallar
        return f"un objeto de tipo {type(value).__name__}"


def _kind(value) -> str:
    if isinstance(value, torch.Tensor):
        if value.is_nested:  # no tiene una forma
            return "un tensor anidado"
        what = "un tensor complejo" if value.is_complex() else "un tensor"
        plain = value.dim() == 0 and not value.is_complex()
        return "un número" if plain else f"{what} de forma {list(value.shape)}"
    if isinstance(value, numpy.ndarray):
        return f"una matriz de NumPy de forma {list(value.shape)}"
    if inspect.isgenerator(value):
        return "un generador"
    if isinstance(value, type):
        return "una clase"
    if inspect.isroutine(value):
        return "una función"
    for cls, name in KINDS.items():
        if isinstance(value, cls):
            return name
    return "un número" if isinstance(value, numbers.Real) else f"un objeto de tipo {type(value).__name__}"


def shown(value, digits: int = 4) -> str:
    """`value` escrito en español: los números, con coma y `digits` cifras; los textos, entre comillas de Python."""
    if isinstance(value, str | bool) or value is None:
        return repr(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key, digits)}: {shown(one, digits)}" for key, one in value.items())
        return f"{{{pairs}}}"
    plain = as_tensor(value)
    if plain is not None:
        return _numbers(plain.tolist(), digits)
    items = _sequence(value)
    if items is not None:
        return f"[{', '.join(shown(item, digits) for item in items)}]"
    return briefly(value)


def _key(key, digits: int = 4) -> str:
    written = shown(key, digits)
    return f"({written[1:-1]}{',' if len(key) == 1 else ''})" if isinstance(key, tuple) else written


def _numbers(values, digits: int, separator: str = "") -> str:
    if not isinstance(values, list):
        return significant(values, digits)
    if not separator:  # 0,5; 1,5 y no 0,5, 1,5
        separator = "; " if "," in _numbers(values, digits, " ") else ", "
    return f"[{separator.join(_numbers(value, digits, separator) for value in values)}]"


def inputs(case: tuple) -> str:
    """Los argumentos de un caso, en breve: enteros si caben; si no, la forma."""
    written = []
    for value in case:
        if callable(value):
            continue
        named = (
            isinstance(value, Mapping) and type(value).__repr__ is not dict.__repr__
        )  # «los pesos de juguete»
        if hasattr(value, "shape") and size(value) > SHORT:  # antes de escribir un millón de números
            text = f"de forma {list(value.shape)}"
        else:
            text = briefly(value) if named else shown(_start(value))
        if len(text) > SHORT:
            text = f"de forma {list(value.shape)}" if hasattr(value, "shape") else f"{text[:60]}…"
        written.append(text)
    decimals = any(isinstance(value, float) and "," in shown(value) for value in case)
    return ("; " if decimals else ", ").join(written)  # 0,2; 0,25; 1 y no 0,2, 0,25, 1


def _start(value):
    """El principio de `value`: lo bastante para que escrito ya no quepa, si es que no cabe."""
    if isinstance(value, str):
        return value[: SHORT + 1]
    if isinstance(value, torch.Tensor | numpy.ndarray):
        return value[(slice(SHORT),) * value.ndim]
    if isinstance(value, Mapping):
        return {key: _start(value[key]) for key in itertools.islice(value, SHORT)}
    return [_start(item) for item in value[:SHORT]] if isinstance(value, list | tuple) else value


def size(value) -> int:
    """Cuántos números, letras o elementos hay en `value`: para enseñar primero el caso más pequeño."""
    if isinstance(value, torch.Tensor | numpy.ndarray):
        return int(numpy.prod(value.shape))
    if isinstance(value, Mapping):
        return sum(size(key) + size(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return sum(map(size, value))
    return len(value) if isinstance(value, str) else 1


def is_text(value) -> bool:
    """¿Es un texto? Mira su tipo: preguntar su clase a un objeto ajeno puede fallar."""
    return issubclass(type(value), str)


def named(value) -> str:
    """Un nombre como se escribe en una frase: el texto dado o, si no lo es o no se puede imprimir, `briefly`."""
    return value if type(value) is str and value.isprintable() else briefly(value)


def briefly(value, limit: int = 60) -> str:
    """`repr(value)` en una línea y sin pasarse de largo; un objeto que no se sabe escribir no estropea la frase."""
    try:
        text = " ".join(repr(value).split())
    except (Exception, SystemExit):
        text = f"un objeto de tipo {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"
