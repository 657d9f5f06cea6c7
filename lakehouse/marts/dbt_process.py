"""dbt invocations one after the other: `python -m lakehouse.marts.dbt_process`, which reads the paths of its requests from standard input.

It imports dbt first, so that it can be started before there is a request. A request is a file: the dates of a long backfill are longer than what a
pipe takes at once. What dbt says goes to standard output, and last a line that begins with `DONE` and tells the exit code: 0 good, 3 dbt ran and
something failed, anything else: dbt could not run; without that line the process ended over it. A request without arguments only has the project
read ahead, and is not answered. Between two requests no file of a build is open. The process ends with its standard input, also in the middle of a
request: then its parent is gone.

dbt itself makes two lines of each of its thousands of events and looks through the environment for secrets in each, and writes the whole project as
JSON with every run: a fifth of the time of a build. So it is told to log and write nothing, and what is wanted of both is taken here.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DONE = "\x1edone "
_FAILED = 2
_TOLD = ("info", "warn", "error")


def main() -> None:
    """Run dbt by each request: with `arguments`; `parsed`: where the parsed project is kept for the next time, or null to parse it anew (with the
    arguments `parse`); `log`, `results`: files for what dbt said and did, or null.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # as the other side reads it, whatever the locale is
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; whoever started this ends it
    requests: queue.SimpleQueue[Path] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    gc.disable()  # looking for cycles in a project of thousands of objects again and again is a tenth of the time of a run; it is done between runs

    import dbt.adapters.duckdb  # noqa: F401  found by its name when dbt runs

    project = _Project()
    while True:
        request = json.loads(requests.get().read_text(encoding="utf-8"))
        os.environ.update(request["environment"])
        if request["arguments"]:
            code = _run(request, project)
            _let_go()
            sys.stdout.write(f"{DONE}{code}\n")
            sys.stdout.flush()
        project.read_ahead(request)
        _let_go()
        gc.collect()


def _listen(requests: queue.SimpleQueue[Path]) -> None:
    for line in sys.stdin:
        requests.put(Path(line.strip()))
    os._exit(0)


def _run(request: dict[str, Any], project: _Project) -> int:
    from dbt.cli.main import dbtRunner

    with _telling(request["log"]) as say:
        manifest = None
        if request["parsed"]:
            manifest, code = project.take(request, say)
            if manifest is None:
                return code
        outcome = dbtRunner(manifest=manifest, callbacks=[say]).invoke(request["arguments"])
    if request["results"] and hasattr(outcome.result, "results"):
        Path(request["results"]).write_text(json.dumps(_results(outcome.result)), encoding="utf-8")
    return _code(outcome)


@contextlib.contextmanager
def _telling(log: str | None) -> Iterator[Callable[[Any], None]]:
    """Something that tells events of dbt, from information on, on standard output and in a log."""
    from dbt_common.events.functions import env_scrubber

    with Path(log or os.devnull).open("a", encoding="utf-8", errors="replace") as file:

        def say(event: Any) -> None:
            if event.info.level in _TOLD:
                text = env_scrubber(event.info.msg)
                sys.stdout.write(f"{text}\n")
                file.write(f"{event.info.ts.ToJsonString()} {event.info.level}: {text}\n")

        yield say
        sys.stdout.flush()


def _results(result: Any) -> dict[str, Any]:
    nodes = [
        {
            "unique_id": one.node.unique_id,
            "status": str(one.status),
            "execution_time": one.execution_time,
            "message": one.message,
            "failures": one.failures,
            "compiled_code": getattr(one.node, "compiled_code", None),
        }
        for one in result.results
    ]
    return {"results": nodes, "elapsed_time": result.elapsed_time}


class _Project:
    """The parsed project, read while nobody waits for it. A run changes what it is given, so each gets its own."""

    def __init__(self) -> None:
        self._path = ""
        self._manifest: Any = None

    def read_ahead(self, request: dict[str, Any]) -> None:
        """Have the project for the next request that wants the same. What goes wrong is told when it is wanted."""
        path = request["parsed"]
        if not path or (request["arguments"] and not Path(path).exists()):
            return
        self._path = path
        try:
            self._manifest, _ = _parsed(request, lambda _: None)
        except Exception as error:  # noqa: BLE001  the next request may want another project; one that wants this tries again, and fails
            sys.stderr.write(f"the project could not be read ahead: {type(error).__name__}: {error}\n")
            self._manifest = None

    def take(self, request: dict[str, Any], say: Callable[[Any], None]) -> tuple[Any, int]:
        """(the project, 0); (None, exit code) where it cannot be parsed."""
        path, manifest = self._path, self._manifest
        self._path, self._manifest = "", None
        if manifest is not None and path == request["parsed"]:
            return manifest, 0
        return _parsed(request, say)


def _parsed(request: dict[str, Any], say: Callable[[Any], None]) -> tuple[Any, int]:
    """The parsed project from its file, or parsed now and kept there; (None, exit code) where it cannot be parsed.

    What dbt is told by variables is looked up when a model is compiled, not here.
    """
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumaro_encoder

    path = Path(request["parsed"])
    kept = _kept(path, request["log"])
    if kept is not None:
        return kept, 0
    outcome = dbtRunner(callbacks=[say]).invoke(request["parse"])
    if not isinstance(outcome.result, Manifest):
        return None, _code(outcome) or _FAILED
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with aside.open("wb") as file:
        file.write(outcome.result.to_msgpack(extended_mashumaro_encoder))
        file.flush()
        os.fsync(file.fileno())  # or the name may outlive the bytes
    aside.replace(path)
    return outcome.result, 0


def _kept(path: Path, log: str | None) -> Any:
    """The parsed project from its file; None where there is none, or none that can be read: such a file is removed."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    if not path.exists():
        return None
    data = path.read_bytes()
    try:
        manifest: Any = Manifest.from_msgpack(data, decoder=extended_mashumuro_decoder)
        manifest.build_flat_graph()
    except Exception as error:  # noqa: BLE001  whatever it holds instead; the project itself can always be parsed anew
        text = f"{path} is damaged and is removed; the project is parsed anew: {type(error).__name__}: {error}\n"
        sys.stderr.write(text)
        with Path(log or os.devnull).open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)
        path.unlink(missing_ok=True)
        return None
    return manifest


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
