"""Modelos de n-gramas: la vara de medir de un modelo de lenguaje. Kneser–Ney interpolado, sobre los mismos tokens.

Fuente: Chen y Goodman, 1998, «An Empirical Study of Smoothing Techniques for Language Modeling». Lección 09.
"""

import math
from collections import Counter, defaultdict


class NGram:
    """Un modelo que mira `order` - 1 tokens atrás: 1 es el unigrama, 2 el bigrama y 3 el trigrama.

    Con D = `discount`, h′ el contexto h sin su primer token y N(h) cuántos tokens distintos se han visto tras h:

        p(w | h) = max(c(h w) − D, 0) / c(h)  +  D · N(h) / c(h) · p(w | h′)

    En el orden mayor c cuenta apariciones; en los demás, cuántos tokens distintos se han visto **delante** (es lo que
    añaden Kneser y Ney). Por debajo del unigrama está el reparto uniforme, 1 / `vocab_size`: ninguna probabilidad es 0
    y todas suman 1. Si h no se ha visto nunca, p(w | h) = p(w | h′).
    """

    def __init__(self, order: int, vocab_size: int, discount: float = 0.75):
        if order < 1 or not 0 < discount < 1:
            raise ValueError(
                f"El orden tiene que ser 1 o más y el descuento, entre 0 y 1: hay {order} y {discount}."
            )
        self.order, self.vocab_size, self.discount = order, vocab_size, discount
        # por longitud del contexto: {contexto: {token: veces}}, {contexto: suma}
        self.counts = [defaultdict(Counter) for _ in range(order)]
        self.totals = [Counter() for _ in range(order)]

    def fit(self, sequences) -> "NGram":
        """Cuenta en `sequences` (listas de ids; el contexto no pasa de una a otra). Devuelve el propio modelo."""
        longest = self.order - 1
        for ids in sequences:
            ids = [int(token) for token in ids]
            for end in range(longest, len(ids)):
                self.counts[longest][tuple(ids[end - longest : end])][ids[end]] += 1
        for length in range(longest, 0, -1):  # de cada orden sale el inferior: un aporte por n-grama distinto
            for context, following in self.counts[length].items():
                self.counts[length - 1][context[1:]].update(following.keys())
        for totals, counts in zip(self.totals, self.counts, strict=True):
            totals.update({context: following.total() for context, following in counts.items()})
        return self

    def prob(self, token: int, context=()) -> float:
        """p(token | context); de `context` solo se usan los últimos `order` - 1 tokens."""
        context = tuple(context)[max(0, len(context) - self.order + 1) :]
        p = 1 / self.vocab_size
        for length in range(len(context) + 1):
            shorter = context[len(context) - length :]
            total = self.totals[length][shorter]
            if total:
                following = self.counts[length][shorter]
                kept = max(following[token] - self.discount, 0)
                p = (kept + self.discount * len(following) * p) / total
        return p

    def losses(self, ids) -> list[float]:
        """La sorpresa, -ln p en nats, de cada token de `ids` menos el primero; el contexto no sale de `ids`."""
        ids = [int(token) for token in ids]
        return [
            -math.log(self.prob(ids[place], ids[max(0, place - self.order + 1) : place]))
            for place in range(1, len(ids))
        ]
