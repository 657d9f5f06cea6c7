"""Where a raw line ended up: every line of every part has one fate, every row of its record too.

The verdict is read from what was committed (table, quarantine, ledger). Only for a row that was dropped as a duplicate is the record decoded
again, to learn its key and with it the row that was kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.quarantine import HELD_LEVEL
from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.read import read_line
from lakehouse.landing.sealed import erased_line, expired_part
from lakehouse.landing.state import LandedPart, Ledger
from lakehouse.settings import Lake
from lakehouse.steps.origins import Origins, SourceLine
from lakehouse.steps.records import rows_of_line
from lakehouse.tables.committed import naming_damage, scan_committed
from lakehouse.tables.records import Build
from lakehouse.tables.views import CleanVersion, clean_version, quarantine_files

Fate = Literal["kept", "duplicate", "quarantined", "held", "erased", "superseded", "blank", "pending", "expired", "dropped"]


@dataclass(frozen=True)
class RowFate:
    """One row of the line's record. `row`: its index in the record, None where the whole line was judged.

    `of`: the line whose equal row was kept (duplicates). `rule`, `field`, `detail`: why it was quarantined or held; never raw text.
    """

    fate: Fate
    row: int | None = None
    event_time: dt.datetime | None = None
    of: LineRef | None = None
    rule: str | None = None
    field: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class LineFate:
    """Where one raw line ended up. `fate` is that of its rows where all agree, else "kept" if any row was kept.

    `origin`: the line of the file that it came from, of a source of files.
    `expired`: that the raw of its day has expired, in words. Its text is gone; it is known to be kept or quarantined, or else its fate is "expired".
    `erased`: that its own text was erased, in words. A build that has not seen that may still hold its rows.
    """

    dataset: str
    part: str
    line: int
    grain: str
    fate: Fate
    rows: tuple[RowFate, ...]
    fetch_id: str
    manifest: int
    source: str
    application: str
    landed_at: dt.datetime
    unplaced: bool
    superseded_by: tuple[int, ...] = ()
    build: int | None = None
    raw: str | None = None
    expired: str | None = None
    origin: SourceLine | None = None
    erased: str | None = None


def explain_line(lake: Lake, dataset: Dataset, part: str, line: int, *, raw: bool = False) -> LineFate:
    """Where line `line` (from 1) of the raw part ended up. `raw` adds its text, which may hold personal data.

    Raises `ConfigurationError` for a part that no manifest names and for a line that it does not have.
    """
    ledger = load_ledger(lake, dataset.name)
    grain, landed = _find_part(ledger, dataset.name, part)
    if not 1 <= line <= landed.part.lines:
        raise ConfigurationError(f"{part} has lines 1 to {landed.part.lines:,}; there is no line {line}.")
    ref = LineRef(part, line)
    gone, erased = expired_part(ledger, part), erased_line(ledger, ref)
    text = read_line(lake, ref, ledger) if gone is None and erased is None else None
    (origin,) = Origins(lake, ledger).find([ref])
    version = clean_version(lake, dataset.contract)
    build = version.builds.get(grain.date)
    superseded = line in ledger.superseded.get(part, frozenset())
    if erased is not None:
        rows: tuple[RowFate, ...] = (RowFate("erased"),)
    elif superseded:
        rows = (RowFate("superseded"),)
    elif build is None or landed.number > build.seen:
        rows = (RowFate("pending"),)
    elif text is None:
        rows = _fates_without_text(lake, dataset, version, grain, ref)
    elif not text.strip():
        rows = (RowFate("blank"),)
    else:
        rows = _committed_fates(lake, dataset, version, grain, ref, rows_of_line(dataset, text, _repeat(origin)))
    return LineFate(
        dataset=dataset.name,
        part=part,
        line=line,
        grain=grain.key,
        fate=_one_fate(rows),
        rows=rows,
        fetch_id=landed.fetch_id,
        manifest=landed.number,
        source=landed.source,
        application=landed.application,
        landed_at=landed.landed_at,
        unplaced=grain.kind == "unplaced",
        superseded_by=tuple(ledger.superseded_by.get(part, ())) if superseded else (),
        build=build.fingerprint if build is not None else None,
        raw=text.decode("utf-8", errors="backslashreplace") if raw and text is not None else None,
        expired=gone,
        origin=origin,
        erased=erased,
    )


def _find_part(ledger: Ledger, dataset: str, path: str) -> tuple[Grain, LandedPart]:
    landed = ledger.find(path)
    if landed is not None:
        return Grain.parse(landed.part.grain), landed
    raise ConfigurationError(
        f"No manifest of {dataset} names the part {path!r}. Expected a path below the lake such as "
        f"raw/{dataset}/date=2026-11-20/hour=13/<fetch>.jsonl.zst: the column _part of clean.{dataset} or part of quarantine.{dataset}."
    )


def _one_fate(rows: Sequence[RowFate]) -> Fate:
    fates = {r.fate for r in rows}
    return fates.pop() if len(fates) == 1 else "kept" if "kept" in fates else rows[0].fate


def _repeat(origin: SourceLine | None) -> int:
    return origin.repeat or 1 if origin is not None else 1


def _committed_fates(lake: Lake, dataset: Dataset, version: CleanVersion, grain: Grain, ref: LineRef, told: pl.DataFrame) -> tuple[RowFate, ...]:
    refused = _put_aside(lake, dataset, version.builds[grain.date], ref)
    if any(r.row is None for r in refused):
        return tuple(refused)
    files = _files_of(version, grain)
    rows = _keyed(lake, dataset, told)
    known = {r.row for r in refused}
    others = [_kept_or_duplicate(files, dataset, ref, index, rows) for index in range(rows.height) if index not in known]
    return tuple(sorted([*refused, *others], key=lambda r: -1 if r.row is None else r.row))


def _files_of(version: CleanVersion, grain: Grain) -> list[str]:
    return [f for f in version.by_day.get(grain.date, ()) if f.rsplit("/", 1)[-1].startswith(f"{grain.stem}-")]


def _fates_without_text(lake: Lake, dataset: Dataset, version: CleanVersion, grain: Grain, ref: LineRef) -> tuple[RowFate, ...]:
    """What the tables tell of a line whose raw has expired. Which of its rows were kept they do not tell."""
    refused = _put_aside(lake, dataset, version.builds[grain.date], ref)
    kept: list[RowFate] = []
    if files := _files_of(version, grain):
        with naming_damage(files):
            found = scan_committed(files).filter(pl.col("_part") == ref.part, pl.col("_line") == ref.line)
            times = found.select(dataset.contract.event_time).collect().to_series().sort()
        kept = [RowFate("kept", None, when) for when in times]
    return (*kept, *refused) or (RowFate("expired"),)


def _put_aside(lake: Lake, dataset: Dataset, build: Build, ref: LineRef) -> list[RowFate]:
    files = quarantine_files(lake, dataset.contract, [build])
    if not files:
        return []
    columns = ("level", "row", "event_time", "rule", "field", "detail")
    with naming_damage(files):
        found = scan_committed(files).filter(pl.col("part") == ref.part, pl.col("line") == ref.line)
        rows = found.select(columns).unique().sort("row").collect().iter_rows()
    return [RowFate("held" if level == HELD_LEVEL else "quarantined", row, when, None, *why) for level, row, when, *why in rows]


def _keyed(lake: Lake, dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their key as the clean table holds it: personal data in the key is a token there."""
    if not any(dataset.contract.column(name).pii for name in dataset.contract.key):
        return rows
    from lakehouse.engines.kernel.tokens import tokenise

    return tokenise(rows, dataset.contract, lake.token_key())


def _kept_or_duplicate(files: Sequence[str], dataset: Dataset, ref: LineRef, index: int, rows: pl.DataFrame) -> RowFate:
    contract = dataset.contract
    when = rows[contract.event_time][index]
    if not files:
        return RowFate("dropped", index, when)
    key = rows.select(contract.key)[index]
    with naming_damage(files):
        same: Any = scan_committed(files).join(key.lazy(), on=list(contract.key), how="semi", nulls_equal=True)
        found = same.select("_part", "_line").collect().rows()
    if (ref.part, ref.line) in found:
        return RowFate("kept", index, when)
    if found:
        return RowFate("duplicate", index, when, LineRef(*found[0]))
    return RowFate("dropped", index, when)
