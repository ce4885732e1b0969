"""`make bench`: todas las medidas, una detrás de otra, y `data/benchmarks.json`, de donde salen la página y la tabla.

`python -m tests.benchmarks [grupo…]` repite solo esos grupos. Cada grupo comprueba antes que las dos formas dan lo
mismo, y va en un proceso nuevo, con los límites de la máquina medidos justo antes.
"""

import argparse
import sys
from functools import partial

from tests.benchmarks import GROUPS, measured
from tests.benchmarks.timing import alone
from tools import measures


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], metavar="grupo", help=", ".join(GROUPS))
    failed = []
    for group in parser.parse_args(arguments).groups or GROUPS:
        print(f"→ {group}", flush=True)
        try:
            found = alone(partial(measured, group))
        except Exception as error:  # los demás grupos se miden igual
            failed.append(group)
            print(f"✗ {group}: {error}", file=sys.stderr, flush=True)
            continue
        for row in found["rows"]:
            print("  " + measures.sentence(row), flush=True)
        if found["rows"]:
            measures.save(group, found)  # en cuanto se tiene: si se corta, lo medido queda
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
