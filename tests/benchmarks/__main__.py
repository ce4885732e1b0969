"""`make bench`: todas las medidas, una detrás de otra, y `data/benchmarks.json`, de donde salen la página y la tabla.

`python -m tests.benchmarks [grupo…]` repite solo esos grupos. Cada grupo comprueba antes que las dos formas dan lo
mismo, y va en un proceso nuevo, con los límites de la máquina medidos justo antes.
"""

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.benchmarks import GROUPS, measured
from tools import measures


def alone(group: str) -> dict:
    """`measured(grupo)` en un proceso nuevo."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, group).result()


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], metavar="grupo", help=", ".join(GROUPS))
    failed = []
    for group in parser.parse_args(arguments).groups or GROUPS:
        print(f"→ {group}", flush=True)
        try:
            found = alone(group)
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
