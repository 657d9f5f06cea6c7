"""One dbt invocation in a process of its own: `python -m lakehouse.marts.dbt_process`, which reads the path of its request from standard input.

It imports dbt first, so that it can be started before there is a request; where none comes, it ends. The request is a file: the dates of a long
backfill are longer than what a pipe takes at once. Exit code: 0 good, 3 dbt ran
and something failed, anything else: dbt could not run.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    """Run dbt with `arguments`. `parsed`: where the parsed project is kept for the next time, or null to parse it anew."""
    import dbt.adapters.duckdb  # noqa: F401  found by its name when dbt runs
    from dbt.cli.main import dbtRunner

    request_file = sys.stdin.readline().strip()
    if not request_file:
        return 0
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    os.environ.update(request["environment"])
    manifest = _parsed(Path(request["parsed"]), request["parse"]) if request["parsed"] else None
    return _code(dbtRunner(manifest=manifest).invoke(request["arguments"]))


def _parsed(path: Path, arguments: list[str]) -> Any:
    """The parsed project from a file, or parsed now and kept there. What dbt is told by variables is looked up when a model is compiled, not here."""
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder

    if path.exists():
        manifest: Any = Manifest.from_msgpack(path.read_bytes(), decoder=extended_mashumuro_decoder)
        manifest.build_flat_graph()
        return manifest
    outcome = dbtRunner().invoke(arguments)
    if not isinstance(outcome.result, Manifest):
        sys.exit(_code(outcome) or 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    aside.write_bytes(outcome.result.to_msgpack(extended_mashumaro_encoder))
    aside.replace(path)
    return outcome.result


def _code(outcome: Any) -> int:
    if outcome.exception is not None:
        sys.stderr.write(f"{type(outcome.exception).__name__}: {outcome.exception}\n")
        return 2
    return 0 if outcome.success else 3


if __name__ == "__main__":
    sys.exit(main())
