"""Apuestas: comprometerse con un intervalo antes de ver el resultado, y un registro de lo bien que uno se conoce.

    bet = (60, 80)  # antes de ejecutar: entre qué dos números estará, con un 80 % de seguridad
    observe("06-aciertos", bet, share, "%")  # sin apuesta no dice nada del resultado
    calibration()

Quien acierta todos sus intervalos los pone demasiado anchos; quien acierta pocos se fía demasiado de sí mismo.
"""

from helpers.exercises import passport
from helpers.exercises.comparing import as_tensor, briefly, named
from helpers.spanish import number, significant

SURE = 0.8  # la seguridad que se pide


def observe(name: str, bet, seen: float, unit: str = "", digits: int = 0) -> None:
    """Enseña juntos la apuesta y el resultado, y los apunta. Sin apuesta, solo dice cómo ponerla.

    `bet`: (mínimo, máximo), un solo número o `None` (sin apostar). `seen`: lo que ha salido, en `unit`, que se
    escribe con `digits` decimales. La primera apuesta es la que cuenta: repetir la celda no la cambia.
    """
    name, unit, result = named(name), named(unit), as_tensor(seen)
    if result is None or result.numel() != 1:
        print(
            f"❌ {name}: el resultado tenía que ser un número y es {briefly(seen)}: repite las celdas de arriba."
        )
        return
    if not result.isfinite().all():
        print(
            f"❌ {name}: el resultado no es un número ({briefly(result.item())}): algo divergió. Repite las celdas de "
            "arriba; tu apuesta no se ha gastado."
        )
        return
    digits = digits if type(digits) is int and 0 <= digits < 16 else 0
    seen = round(result.item(), digits)  # quien dice 71 no falla porque salga 71,1
    told = f"{number(seen, digits)} {unit}".rstrip()
    if bet is None or bet is ...:
        print(
            f"⏳ {name}: sin apuesta. Escribe entre qué dos números crees que estará, (mínimo, máximo), en lugar de "
            "None y repite la celda."
        )
        return
    ends = as_tensor(bet)
    if ends is None or ends.numel() not in (1, 2) or not ends.isfinite().all():
        print(f"❌ {name}: una apuesta son dos números, (mínimo, máximo), y has dado {briefly(bet)}.")
        return
    ends = [int(end) if end == int(end) else end for end in ends.flatten().tolist()]
    low, high = min(ends), max(ends)
    if name not in passport.load_bets():
        passport.record_bet(name, {"low": low, "high": high, "seen": seen})
    first = passport.load_bets().get(name, {"low": low, "high": high})
    counted = "" if (low, high) == (first["low"], first["high"]) else " (cuenta la primera apuesta)"
    span = " a ".join(dict.fromkeys(significant(first[end]) for end in ("low", "high")))
    missed = max(first["low"] - seen, seen - first["high"])
    judged = "dentro" if missed <= 0 else f"te quedas a {number(missed, digits)}"
    print(f"{'✅' if missed <= 0 else '❌'} {name}: apostaste {span} y ha salido {told}: {judged}{counted}.")


def calibration() -> None:
    """Imprime tus apuestas y cuántas cayeron dentro, frente a las que deberían con un 80 % de seguridad."""
    bets = passport.load_bets()
    if not bets:
        print("Todavía no has apostado nada: busca bet = None o bets[…] = None.")
        return
    print(f"{'apuesta':<20}{'mínimo':>10}{'máximo':>10}{'salió':>10}")
    inside = 0
    for name, bet in sorted(bets.items()):
        hit = bet["low"] <= bet["seen"] <= bet["high"]
        inside += hit
        numbers = "".join(f"{significant(bet[key]):>10}" for key in ("low", "high", "seen"))
        print(f"{name:<20}{numbers}  {'dentro' if hit else 'fuera'}")
    print(
        f"Dentro: {inside} de {len(bets)}. Con un {100 * SURE:.0f} % de seguridad serían {number(SURE * len(bets), 1)}."
    )
