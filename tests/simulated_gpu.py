"""Una GPU simulada: los tensores siguen en la CPU, pero unos llevan la marca «cuda», y mezclarlos con los demás falla.

La marca está en la memoria del tensor, como el dispositivo en PyTorch: la comparten sus vistas, `detach()` y el
`nn.Parameter` que se haga con él. Lo que en una GPU da error, aquí también: dos dispositivos en una operación,
`.numpy()` sin `.cpu()` y un generador de otro dispositivo. No imita sus números, sus sorteos ni `torch.cuda`.
"""

import os
from contextlib import ExitStack
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode, resolve_name

from helpers import environment

CUDA = torch.device("cuda", 0)
INDEXING = ("__getitem__", "__setitem__")
# Copian de un dispositivo a otro o solo miran; lo que devuelven está donde su primer tensor.
BETWEEN_DEVICES = (
    *INDEXING, "copy_", "__set__", "__deepcopy__", "__repr__", "__format__", "_has_compatible_shallow_copy_type"
)  # fmt: skip
MOVES = ("to", "cuda", "cpu")
NO_SCALARS = ("cat", "stack")  # las demás admiten que un número suelto (dimensión 0) siga en la CPU


class SimulatedGPU(TorchFunctionMode):
    """Dentro de `with SimulatedGPU():`, `helpers.environment.device()` dice «cuda» y `Trainer` entrena en «cuda»."""

    def __enter__(self):
        self.patches = ExitStack()
        for patch in (
            mock.patch.object(environment, "device", lambda: "cuda"),
            mock.patch.object(torch, "Generator", Generator),
            mock.patch.object(torch.backends.mps, "is_available", lambda: False),
            mock.patch.object(torch.cuda, "set_device", lambda device: None),
            mock.patch.dict(
                os.environ, ACCELERATE_TORCH_DEVICE="cuda"
            ),  # el dispositivo de `Trainer`, sin CUDA
        ):
            self.patches.enter_context(patch)
        return super().__enter__()

    def __exit__(self, *error):
        self.patches.close()
        return super().__exit__(*error)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name, kwargs = func.__name__, kwargs or {}
        if name == "__get__":
            return _attribute(func, args[0])
        if name in BETWEEN_DEVICES:
            if name in INDEXING:
                _check_index(func, *args)
            out = func(*args, **kwargs)
            return _mark(out) if marked(args[0]) else out
        given = list(_tensors((args, kwargs) if kwargs else args))
        marks = [marked(tensor) for tensor in given]
        on_cuda, moves = True in marks, name in MOVES or kwargs.get("device") is not None
        if moves:
            on_cuda, func, args, kwargs = _moved(name, func, args, kwargs)
        elif name in ("tensor", "as_tensor"):  # de una lista de tensores copia los números, estén donde estén
            on_cuda = on_cuda and isinstance(args[0], torch.Tensor)
        elif name in ("numpy", "__array__") and on_cuda:
            raise TypeError(
                f"{name}: el tensor está en cuda y NumPy solo lee la memoria de la CPU; falta .cpu()."
            )
        elif on_cuda and False in marks:
            _check_mix(func, given)
        generator = kwargs.get("generator")
        if generator is not None and (generator.device.type == "cuda") != on_cuda:
            places = ("en cuda", "en la CPU") if on_cuda else ("en la CPU", "en cuda")
            raise RuntimeError(f"{name}: los tensores están {places[0]} y el generador, {places[1]}.")
        out = func(*args, **kwargs)
        if moves and given and marked(out) != on_cuda:
            out = out.clone()  # mudarse es copiar: el original se queda donde estaba
        return _mark(out) if on_cuda else out


class Generator(torch.Generator):
    """Un generador que dice estar en el dispositivo que se le pide."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls, "cpu")

    def __init__(self, device="cpu"):
        self.pretended = torch.device(device)

    @property
    def device(self):
        return self.pretended


def marked(tensor) -> bool:
    """¿Está `tensor` en la GPU simulada?"""
    return getattr(tensor.untyped_storage(), "on_cuda", False)


def _mark(found):
    for tensor in _tensors((found,)):
        tensor.untyped_storage().on_cuda = True
    return found


def _tensors(values):
    """Los tensores que hay en `values`, también dentro de listas, tuplas y diccionarios."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
        elif isinstance(value, dict):
            yield from _tensors(value.values())


def _attribute(func, tensor):
    name = getattr(func.__self__, "__name__", "")
    if name not in ("device", "is_cuda", "is_cpu", "grad") or not marked(tensor):
        return func(tensor)
    if name == "grad":  # nace en C++, sin marca
        return _mark(func(tensor))
    return {"device": CUDA, "is_cuda": True, "is_cpu": False}[name]


def _moved(name, func, args, kwargs):
    """¿Va a la GPU?, y la misma llamada con la CPU de verdad en lugar de la GPU simulada."""
    if name in ("cuda", "cpu"):
        return name == "cuda", torch.Tensor.to, (args[0], "cpu"), {}
    positional = args[1:] if name == "to" else ()
    asked = (kwargs.get("device"), *positional, *args[:1])  # si no pide ninguno, se queda donde está
    place = next(one for one in asked if isinstance(one, str | torch.device | torch.Tensor))
    on_cuda = marked(place) if isinstance(place, torch.Tensor) else torch.device(place).type == "cuda"
    if on_cuda and isinstance(place, str | torch.device):
        args = tuple("cpu" if one is place else one for one in args)
        kwargs = {key: "cpu" if one is place else one for key, one in kwargs.items()}
    return on_cuda, func, args, kwargs


def _check_mix(func, given):
    strict = func.__name__ in NO_SCALARS
    if not all(marked(tensor) or (tensor.dim() == 0 and not strict) for tensor in given):
        raise RuntimeError(f"{resolve_name(func)}: unos tensores están en cuda y otros, en la CPU.")


def _check_index(func, tensor, index, value=None):
    """Un índice de la CPU vale en cuda, y no al revés. Asignar a un corte copia; a unos índices, no."""
    indices = [one for one in _tensors((index,)) if one.dim()]
    if not marked(tensor) and any(map(marked, indices)):
        raise RuntimeError(f"{resolve_name(func)}: los índices están en cuda y el tensor, en la CPU.")
    if indices and isinstance(value, torch.Tensor) and marked(value) != marked(tensor):
        _check_mix(func, [tensor, value])
