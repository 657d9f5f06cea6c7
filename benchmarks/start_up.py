"""What loading the code location takes, beside `import dagster`: each in a bare interpreter.

    python benchmarks/start_up.py

`lakehouse --help` and the definitions of a lake resolved to jobs are shown too: people wait for both.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import measure

MOST = 2.6
WORK = {
    "python -c pass": "pass",
    "import dagster": "import dagster",
    "code location": "import lakehouse.definitions",
    "code location, definitions loaded": "from lakehouse.definitions import defs; defs()",
    "code location, assets resolved": "from lakehouse.definitions import defs; defs().resolve_asset_graph()",
    "lakehouse --help": "import sys; sys.argv = ['lakehouse', '--help']; from lakehouse.cli.main import main; main()",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    costs: dict[str, list[measure.Cost]] = {what: [] for what in WORK}
    for number in range(told.rounds + 1):  # the first round warms the file cache and writes bytecode
        for what, code in WORK.items():  # in turns, so that a busy machine slows all of them alike
            cost = measure.run_whole([sys.executable, "-c", code])
            if number:
                costs[what].append(cost)
    medians = {what: measure.median(each) for what, each in costs.items()}
    base = medians["import dagster"]
    rows = [
        {
            "what": what,
            "wall s": cost.wall,
            "CPU s": cost.cpu,
            "x wall": cost.wall / base.wall,
            "x CPU": cost.cpu / base.cpu,
            "at most x": MOST if what.startswith("code location") else "",
        }
        for what, cost in medians.items()
    ]
    measure.show(f"Start, medians of {told.rounds}", rows, told.json)


if __name__ == "__main__":
    main()
