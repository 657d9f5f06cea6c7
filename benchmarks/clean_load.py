"""Raw to audited clean on generated audit events, beside a bare Arrow path and a dlt upsert of the same files.

    python benchmarks/clean_load.py --events 500000 --work /tmp/bench

Medians of the rounds, each in a fresh process on a fresh copy of the lake. The variants: the files as gz and as zst, one line in a hundred cut short,
every line with a block of fields that the contract does not know.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import lakes
import measure
from isal import igzip

NEW_BLOCK = {"resourceDetails": {"id": "r-1", "labels": ["a", "b"], "owner": {"kind": "GROUP", "level": 3}}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=500_000, help="unique events over two days")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"), help="where files and lakes are made; generated files are kept")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    plain = generated(told.work, told.events)
    rows = []
    bare = _bare(plain, told.rounds)
    if bare is not None:
        rows.append(_row("bare_arrow.py", bare, bare))
    dlt = _dlt(plain, told.work)
    if dlt is not None:
        rows.append(_row("dlt_upsert.py (once)", dlt, bare))
    base = None
    for name, files, zst in (
        ("clean, gz", plain, False),
        ("clean, zst", plain, True),
        ("clean, 1 % malformed", variant(plain, "malformed", malformed), False),
        ("clean, new block in every line", variant(plain, "drift", drifted), False),
    ):
        cost = _clean(told.work, files, zst=zst, rounds=told.rounds)
        base = base or cost
        rows.append(_row(name, cost, bare) | {"x clean, gz": cost.cpu / base.cpu})
    measure.show(f"Raw to clean, {told.events:,} unique events, medians of {told.rounds}", [{"x clean, gz": 0.0, **r} | r for r in rows], told.json)


def generated(work: Path, events: int) -> Path:
    """The folder of the yardsticks' generator: `<day>/part_<hour>.jsonl.gz`, made once."""
    folder = work / f"events-{events}"
    if not folder.exists() and not (measure.YARDSTICKS / "gen.py").exists():
        raise SystemExit(
            f"There is no generator at {measure.YARDSTICKS}: expected `gen.py N FOLDER`, or files in {folder}/<day>/part_<hour>.jsonl.gz."
        )
    if not folder.exists():
        measure.run_whole([sys.executable, str(measure.YARDSTICKS / "gen.py"), str(events), str(folder)])
    return folder


def variant(plain: Path, name: str, change: Callable[[int, bytes], bytes]) -> Path:
    """The same files with their lines changed, made once."""
    folder = plain.with_name(f"{plain.name}-{name}")
    if folder.exists():
        return folder
    for file in sorted(plain.glob("*/*.gz")):
        lines = igzip.decompress(file.read_bytes()).splitlines()
        changed = folder / file.parent.name / file.name
        changed.parent.mkdir(parents=True, exist_ok=True)
        changed.write_bytes(igzip.compress(b"\n".join(change(i, line) for i, line in enumerate(lines)) + b"\n"))
    return folder


def malformed(index: int, line: bytes) -> bytes:
    """One line in a hundred cut in the middle."""
    return line[: len(line) // 2] if index % 100 == 50 else line


def drifted(_: int, line: bytes) -> bytes:
    """Each line with a nested block that no column claims; an event that is told again brings the same."""
    return line[:-1] + b"," + json.dumps(NEW_BLOCK | {"serial": zlib.crc32(line)}).encode()[1:]


def _clean(work: Path, files: Path, *, zst: bool, rounds: int) -> measure.Cost:
    every = sorted(files.glob("*/*.gz"))
    source, copy = work / "lake", work / "lake-copy"
    lakes.lake_of_hours(source, every, zst=zst)
    days = sorted({dt.date.fromisoformat(f.parent.name) for f in every})
    costs = []
    for _ in range(rounds):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(source, copy)
        costs.append(measure.run("build_days.py", copy, *days))
        if not costs[-1].facts["balanced"]:
            raise RuntimeError(f"the books do not close: {costs[-1].facts}")
    return measure.median(costs)


def _bare(files: Path, rounds: int) -> measure.Cost | None:
    script = measure.YARDSTICKS / "bare_arrow.py"
    if not script.exists():
        return None
    costs = []
    for _ in range(rounds):
        told = measure.run_whole([sys.executable, str(script), str(files)]).facts["output"]
        wall, cpu, peak = (float(x) for x in re.search(r"wall ([\d.]+) cpu ([\d.]+)[\s\S]*rss MB (\d+)", told).groups())  # type: ignore[union-attr]
        kept = int(re.search(r"kept (\d+)", told).group(1))  # type: ignore[union-attr]
        costs.append(measure.Cost(wall, cpu, peak, {"kept": kept}))
    return measure.median(costs)


def _dlt(files: Path, work: Path) -> measure.Cost | None:
    script = measure.YARDSTICKS / "dlt_upsert.py"
    python = work / "dlt-venv" / "bin" / "python"
    return measure.run_whole([str(python), str(script), str(files)]) if script.exists() and python.exists() else None


def _row(name: str, cost: measure.Cost, bare: measure.Cost | None) -> dict[str, object]:
    row: dict[str, object] = {"what": name, "wall s": cost.wall, "CPU s": cost.cpu, "peak MB": cost.peak_mb, "rows kept": cost.facts.get("kept", 0)}
    if bare is not None:
        row |= {"x wall of bare": cost.wall / bare.wall, "x CPU of bare": cost.cpu / bare.cpu}
    return row


if __name__ == "__main__":
    main()
