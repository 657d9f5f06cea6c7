"""dbt invocations one after the other: `python -m lakehouse.marts.dbt_process`, which reads the paths of its requests from standard input.

It imports dbt first, so that it can be started before there is a request. A request is a file: the dates of a long backfill are longer than what a
pipe takes at once. What dbt says goes to standard output, and last a line that begins with `DONE` and tells the exit code: 0 good, 3 dbt ran and
something failed, anything else: dbt could not run; without that line the process ended over it. Between two requests no file of a build is open. The
process ends with its standard input, also in the middle of a request: then its parent is gone.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any

DONE = "\x1edone "
_FAILED = 2


def main() -> None:
    """Run dbt by each request: with `arguments`; `parsed`: where the parsed project is kept for the next time, or null to parse it anew."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; whoever started this ends it
    requests: queue.SimpleQueue[Path] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    import dbt.adapters.duckdb  # noqa: F401  found by its name when dbt runs

    while True:
        code = _run(json.loads(requests.get().read_text(encoding="utf-8")))
        _let_go()
        sys.stdout.write(f"{DONE}{code}\n")
        sys.stdout.flush()


def _listen(requests: queue.SimpleQueue[Path]) -> None:
    for line in sys.stdin:
        requests.put(Path(line.strip()))
    os._exit(0)


def _run(request: dict[str, Any]) -> int:
    from dbt.cli.main import dbtRunner

    os.environ.update(request["environment"])
    manifest = None
    if request["parsed"]:
        manifest, code = _parsed(Path(request["parsed"]), request["parse"])
        if manifest is None:
            return code
    return _code(dbtRunner(manifest=manifest).invoke(request["arguments"]))


def _parsed(path: Path, arguments: list[str]) -> tuple[Any, int]:
    """The parsed project from a file, or parsed now and kept there; (None, exit code) where it cannot be parsed.

    What dbt is told by variables is looked up when a model is compiled, not here. A run changes what it is given, so each has its own.
    """
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder

    if path.exists():
        manifest: Any = Manifest.from_msgpack(path.read_bytes(), decoder=extended_mashumuro_decoder)
        manifest.build_flat_graph()
        return manifest, 0
    outcome = dbtRunner().invoke(arguments)
    if not isinstance(outcome.result, Manifest):
        return None, _code(outcome) or _FAILED
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    aside.write_bytes(outcome.result.to_msgpack(extended_mashumaro_encoder))
    aside.replace(path)
    return outcome.result, 0


def _code(outcome: Any) -> int:
    if outcome.exception is not None:
        sys.stderr.write(f"{type(outcome.exception).__name__}: {outcome.exception}\n")
        return _FAILED
    return 0 if outcome.success else 3


def _let_go() -> None:
    """Close what dbt keeps open of a run: the database and the log."""
    from dbt.adapters import factory
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    adapters: Any = factory
    databases: Any = DuckDBConnectionManager
    adapters.reset_adapters()
    databases.close_all_connections()
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        for handler in [h for h in logger.handlers if isinstance(h, logging.FileHandler)]:
            logger.removeHandler(handler)
            handler.close()


if __name__ == "__main__":
    main()
