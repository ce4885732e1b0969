"""La GPU simulada de las pruebas (`simulated_gpu.py`) rechaza lo que una GPU de verdad rechaza, y nada más."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from simulated_gpu import SimulatedGPU
from torch import nn
from torch.nn import functional as F

from helpers import environment, generation, hf


@pytest.fixture(autouse=True)
def gpu():
    with SimulatedGPU():
        yield


def both(*shape):
    """El mismo tensor en la GPU y en la CPU."""
    here = torch.ones(*shape)
    return here.to("cuda"), here


IDS = torch.tensor([[0, 1]])
FORBIDDEN = {
    "sumar": lambda cuda, cpu: cuda + cpu,
    "sumar en el sitio": lambda cuda, cpu: cpu.add_(cuda),
    "multiplicar matrices": lambda cuda, cpu: cpu @ cuda,
    "un número de cuda con un tensor de la CPU": lambda cuda, cpu: cpu * cuda.sum(),
    "comparar": lambda cuda, cpu: torch.equal(cuda, cpu),
    "unir": lambda cuda, cpu: torch.cat([cuda, cpu]),
    "unir con out": lambda cuda, cpu: torch.cat([cuda, cuda], out=torch.empty(4, 2)),
    "apilar números": lambda cuda, cpu: torch.stack([cuda.sum(), cpu.sum()]),
    "buscar embeddings con ids de la CPU": lambda cuda, cpu: F.embedding(IDS, cuda),
    "pasar la CPU por una capa": lambda cuda, cpu: nn.Linear(2, 2).to("cuda")(cpu),
    "entropía cruzada": lambda cuda, cpu: F.cross_entropy(cuda, IDS[0]),
    "elegir entre dos": lambda cuda, cpu: torch.where(cuda > 0, cuda, cpu),
    "recoger": lambda cuda, cpu: cuda.gather(1, IDS),
    "índices de cuda en la CPU": lambda cuda, cpu: cpu[IDS[0].to("cuda")],
    "máscara de cuda en la CPU": lambda cuda, cpu: cpu[cuda > 0],
    "asignar de la CPU a unos índices": lambda cuda, cpu: cuda.__setitem__(IDS[0], cpu),
    "asignar con índices de cuda en la CPU": lambda cuda, cpu: cpu.__setitem__(IDS[0].to("cuda"), cpu),
    "sortear con un generador de la CPU": lambda cuda, cpu: torch.multinomial(
        cuda, 1, generator=torch.Generator()
    ),
    "sortear en la CPU con uno de cuda": lambda cuda, cpu: torch.multinomial(
        cpu, 1, generator=torch.Generator("cuda")
    ),
    "crear en cuda con un generador de la CPU": lambda cuda, cpu: torch.randn(
        2, device="cuda", generator=torch.Generator()
    ),
    "generar desde ids de la CPU": lambda cuda, cpu: generation.generate(small_model().to("cuda"), IDS, 2),
}
CUDA_STAYS = {
    "sumar": lambda cuda, cpu: cuda + cuda,
    "sumar un número": lambda cuda, cpu: cuda + 1,
    "sumar un tensor suelto de la CPU": lambda cuda, cpu: cuda + torch.tensor(1.0),
    "elegir con un suelto": lambda cuda, cpu: torch.where(cuda > 0, cuda, torch.tensor(0.0)),
    "índices de la CPU en cuda": lambda cuda, cpu: cuda[IDS[0]],
    "índice suelto": lambda cuda, cpu: cuda[IDS[0, 1].to("cuda")],
    "trozo": lambda cuda, cpu: cuda[:1],
    "copiar de la CPU": lambda cuda, cpu: cuda.copy_(cpu),
    "mudar": lambda cuda, cpu: cpu.to("cuda"),
    "mudar con otro tipo": lambda cuda, cpu: cpu.to("cuda:0", torch.float64),
    "mudar con nombre": lambda cuda, cpu: cpu.to(device="cuda"),
    "mudar adonde otro": lambda cuda, cpu: cpu.to(cuda),
    "cambiar solo de tipo": lambda cuda, cpu: cuda.to(torch.float64),
    "mudar con cuda()": lambda cuda, cpu: cpu.cuda(),
    "crear": lambda cuda, cpu: torch.zeros(2, device="cuda"),
    "crear con el dispositivo de otro": lambda cuda, cpu: torch.arange(2, device=cuda.device),
    "crear igual": lambda cuda, cpu: torch.zeros_like(cuda),
    "crear igual que uno de la CPU": lambda cuda, cpu: torch.zeros_like(cpu, device="cuda"),
    "tensor de un tensor": lambda cuda, cpu: torch.as_tensor(cuda),
    "aprovechar uno de la CPU": lambda cuda, cpu: torch.as_tensor(cpu, device="cuda"),
    "dentro de with torch.device": lambda cuda, cpu: created_inside("cuda"),
    "sortear": lambda cuda, cpu: torch.multinomial(cuda, 1),
    "sortear con un generador de cuda": lambda cuda, cpu: torch.multinomial(
        cuda, 1, generator=torch.Generator("cuda").manual_seed(0)
    ),
    "parámetro": lambda cuda, cpu: nn.Parameter(cuda),
    "módulo": lambda cuda, cpu: nn.Linear(2, 2).to("cuda").weight,
    "módulo con cuda()": lambda cuda, cpu: nn.Linear(2, 2).cuda().bias,
    "embedding hecho con cuda": lambda cuda, cpu: nn.Embedding.from_pretrained(cuda).weight,
    "copia honda": lambda cuda, cpu: deepcopy(cuda),
    "copia honda de un módulo": lambda cuda, cpu: deepcopy(nn.Linear(2, 2).to("cuda")).weight,
    "detach": lambda cuda, cpu: nn.Parameter(cuda).detach(),
    "datos": lambda cuda, cpu: nn.Parameter(cuda).data,
    "gradiente": lambda cuda, cpu: trained().weight.grad,
    "varias salidas": lambda cuda, cpu: cuda.max(dim=-1).indices,
    "modelo del curso": lambda cuda, cpu: generation.generate(small_model().to("cuda"), IDS.to("cuda"), 2),
}
CPU_STAYS = {
    "volver": lambda cuda, cpu: cuda.cpu(),
    "volver con to": lambda cuda, cpu: cuda.to("cpu"),
    "volver adonde otro": lambda cuda, cpu: cuda.to(cpu),
    "copiar de cuda": lambda cuda, cpu: cpu.copy_(cuda),
    "crear sin decir dónde": lambda cuda, cpu: torch.zeros(2),
    "crear aquí igual que allí": lambda cuda, cpu: torch.zeros_like(cuda, device="cpu"),
    "tensor de números de cuda": lambda cuda, cpu: torch.tensor([cuda.sum(), cuda.sum()]),
    "índice suelto de cuda": lambda cuda, cpu: cpu[IDS[0, 1].to("cuda")],
    "dentro de with torch.device": lambda cuda, cpu: created_inside("meta"),
    "módulo que vuelve": lambda cuda, cpu: nn.Linear(2, 2).to("cuda").to("cpu").weight,
    "cargar pesos de cuda": lambda cuda, cpu: loaded_from_cuda().weight,
}


def created_inside(device):
    with torch.device(device):
        return torch.zeros(2)


def small_model():
    from transformers import OpenAIGPTConfig

    return hf.GPT1LMHeadModel(
        OpenAIGPTConfig(vocab_size=5, n_positions=8, n_embd=4, n_layer=1, n_head=2)
    ).eval()


def trained():
    layer = nn.Linear(2, 1).to("cuda")
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1)
    layer(torch.ones(3, 2, device="cuda")).sum().backward()
    nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    optimizer.step()
    return layer


def loaded_from_cuda():
    layer = nn.Linear(2, 2)
    layer.load_state_dict(nn.Linear(2, 2).to("cuda").state_dict())
    return layer


def devices(found):
    return (found.device.type, found.is_cuda)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_mixing_devices_fails(name):
    with pytest.raises(RuntimeError, match="cuda"):
        FORBIDDEN[name](*both(2, 2))


@pytest.mark.parametrize("name", CUDA_STAYS)
def test_result_is_on_cuda_and_its_origin_does_not_move(name):
    cuda, cpu = both(2, 2)
    assert devices(CUDA_STAYS[name](cuda, cpu)) == ("cuda", True)
    assert devices(cuda) == ("cuda", True) and devices(cpu) == ("cpu", False)


@pytest.mark.parametrize("name", CPU_STAYS)
def test_result_is_not_on_cuda_and_its_origin_does_not_move(name):
    cuda, cpu = both(2, 2)
    assert CPU_STAYS[name](cuda, cpu).device.type in ("cpu", "meta")
    assert devices(cuda) == ("cuda", True) and devices(cpu) == ("cpu", False)


def test_moving_copies():
    """Como en una GPU: lo que se escribe en la copia no se ve en el original."""
    cuda, cpu = both(2)
    cuda.zero_()
    back = cuda.cpu().fill_(7)
    assert (cpu.tolist(), cuda.tolist(), back.tolist()) == ([1, 1], [0, 0], [7, 7])
    assert cuda.to("cuda") is cuda and cpu.to("cpu") is cpu


def test_assigning_to_a_slice_copies_between_devices():
    cuda, cpu = both(3)
    cuda[:2] = torch.tensor([5.0, 6.0])
    cpu[0] = cuda[1]
    assert cuda.tolist() == [5, 6, 1] and cpu.tolist() == [6, 1, 1]
    assert devices(cuda) == ("cuda", True) and devices(cpu) == ("cpu", False)


@pytest.mark.parametrize("read", [torch.Tensor.numpy, np.asarray], ids=["numpy", "asarray"])
def test_numpy_only_reads_the_cpu(read):
    cuda, cpu = both(2)
    with pytest.raises(TypeError, match=r"falta \.cpu\(\)"):
        read(cuda)
    assert read(cpu).sum() == read(cuda.cpu()).sum() > 0


def test_reading_numbers_is_allowed():
    cuda, _ = both(2)
    assert (cuda.tolist(), cuda.sum().item(), float(cuda[0]), f"{cuda[1]:.1f}") == ([1, 1], 2, 1, "1.0")
    assert bool((cuda > 0).all()) and len(cuda) == 2 and cuda.shape == (2,)


def test_the_course_sees_a_gpu_only_inside():
    assert environment.device() == "cuda"
    assert torch.Generator("cuda").device.type == "cuda" and torch.Generator().device.type == "cpu"
