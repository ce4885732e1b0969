"""La entropía cruzada de la salida, x Eᵀ, por trozos: los logits de todos los tokens no están nunca a la vez.

El gradiente de la pérdida respecto a los logits es softmax(logits), menos 1 en el token que venía: sale de los propios
logits, así que se hace en cuanto están, en su sitio, y se sueltan. Con el vocabulario de GPT-1 son 162 kB por token y
copia, y PyTorch guarda tres. Lecciones 06 y 09.
"""

import torch

# Tokens por trozo: con menos, se lee la matriz más veces; con más, los logits no caben en la caché.
ROWS = 512


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, targets, share):
        grad_x, grad_weight, loss = torch.empty_like(x), torch.zeros_like(weight), x.new_zeros(())
        for start in range(0, len(x), ROWS):
            part = slice(start, start + ROWS)
            logits, true, each = x[part] @ weight.T, targets[part, None], share[part, None]
            logits -= logits.amax(dim=1, keepdim=True)  # exp no se desborda
            chosen = logits.gather(1, true)
            total = logits.exp_().sum(dim=1, keepdim=True)
            loss += (each * (total.log() - chosen)).sum()
            logits *= each / total  # share · softmax
            logits.scatter_add_(1, true, -each)
            torch.mm(logits, weight, out=grad_x[part])
            grad_weight.addmm_(logits.T, x[part])
        ctx.save_for_backward(grad_x, grad_weight)
        return loss

    @staticmethod
    def backward(ctx, grad):
        grad_x, grad_weight = ctx.saved_tensors
        return grad_x * grad, grad_weight.mul_(grad), None, None


def applies(x, weight) -> bool:
    """¿Se puede por trozos? En CPU, en fp32 y cuando va a hacer falta el gradiente, que se calcula de paso."""
    here = x.device.type == weight.device.type == "cpu" and x.dtype == weight.dtype == torch.float32
    ready = torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
    return here and ready and not torch.compiler.is_compiling()


def linear_cross_entropy(x, weight, targets, share) -> torch.Tensor:
    """Σ share · −log softmax(x weightᵀ)[targets], en nats: la pérdida de la salida atada.

    `x` [N, d], `weight` [V, d], `targets` [N] (ids) y `share` [N], lo que cuenta cada token (1/N: la media). Solo donde
    `applies`.
    """
    return _LinearCrossEntropy.apply(x, weight, targets, share)
