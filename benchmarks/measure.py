"""Running a command and telling what it cost: wall time, CPU time and peak memory of the process, medians of several rounds, a table, JSON."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
YARDSTICKS = HERE.parents[1] / "shared" / "bench"
"""Scripts beside the checkout that do the bare work without a lakehouse; a benchmark says so where they are absent."""

# One key for this process and those that it starts: a lake that one of them built is unchanged for the others.
os.environ.setdefault("LAKEHOUSE_TOKEN_KEY", "a key for benchmarks, long enough to be one")


@dataclass(frozen=True)
class Cost:
    """What a piece of work cost. `facts`: what it says itself."""

    wall: float
    cpu: float
    peak_mb: float
    facts: dict[str, Any] = field(default_factory=dict)


def peak_mb() -> float:
    """The most memory that this process has held so far, in MB. (`ru_maxrss` begins with the peak of the process that started this one.)"""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")) / 1024


def children() -> Cost:
    """CPU time and memory of the processes that this one has started and that live: CPU so far, their peaks added up. (Their wall time is 0.)"""
    cpu = peak = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent, *rest = (folder / "stat").read_text().rpartition(") ")[2].split()[1:]
            status = (folder / "status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if int(parent) == os.getpid():
            cpu += sum(map(int, rest[9:11])) / os.sysconf("SC_CLK_TCK")
            peak += next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0) / 1024
    return Cost(0, cpu, peak)


class Meter:
    """Wall time and CPU time of this process from `start` on, and its peak memory."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def cost(self, **facts: Any) -> Cost:
        """What it has cost so far."""
        return Cost(time.perf_counter() - self._wall, time.process_time() - self._cpu, peak_mb(), facts)


def report(cost: Cost) -> None:
    """Say a cost on standard output, for the benchmark that started this process."""
    sys.stdout.write("COST " + json.dumps(asdict(cost)) + "\n")


def run(script: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Cost:
    """The cost that a script of this folder reports of itself (start-up and imports left out)."""
    out = _output([sys.executable, str(HERE / script), *map(str, arguments)], environment)
    told = [line for line in out.splitlines() if line.startswith("COST ")]
    if not told:
        raise RuntimeError(f"{script} {' '.join(map(str, arguments))} reported no cost; it said:\n{out}")
    return Cost(**json.loads(told[-1].removeprefix("COST ")))


def run_whole(command: Sequence[str]) -> Cost:
    """The cost of a whole process, start-up included. The output is in `facts["output"]`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    out = _output(list(command))
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, after.ru_maxrss / 1024, {"output": out})


def _output(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    told = {**os.environ, "PYTHONPATH": str(HERE.parent), **(environment or {})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=told)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each measure, with the facts of the last."""
    return Cost(*(statistics.median(getattr(c, name) for c in costs) for name in ("wall", "cpu", "peak_mb")), costs[-1].facts)


def machine() -> dict[str, Any]:
    """Where and when this ran."""
    import deltalake
    import duckdb
    import polars
    import pyarrow

    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    libraries = {m.__name__: m.__version__ for m in (polars, pyarrow, deltalake, duckdb)}
    load = os.getloadavg()[0]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return {"date": today, "cpu": model, "cores": os.cpu_count(), "load": round(load, 2), "python": platform.python_version(), **libraries}


def show(title: str, rows: Sequence[dict[str, Any]], json_file: Path | None = None) -> None:
    """Print rows as a table with the machine below it, and write both as JSON when a file is named."""
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        table.add_row(*(f"{v:,.2f}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()))
    console = Console(width=160)
    console.print(table)
    where = machine()
    console.print(", ".join(f"{k} {v}" for k, v in where.items()))
    if json_file is not None:
        json_file.write_text(json.dumps({"title": title, "machine": where, "rows": list(rows)}, indent=2) + "\n")
