"""Samples of files made from a sketch: what is there at first and what comes late, with copies, broken lines and the exact truth."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.accounts.truth import TRUTH_FILE, Counts, SampleTruth
from lakehouse.datasets.model import CombinedLog, Csv, FileFormat, JsonDocument
from lakehouse.datasets.sketch import Drawer, Field, Times
from lakehouse.errors import ConfigurationError

DAY = 86_400_000_000
Progress = Callable[[int, int], None]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`events`: sound records in all.

    Shares of those: `duplicates` (lines that come once more, in a file of their own), `late` (records that a later file tells of), `malformed`
    (lines that are no record).
    """

    seed: int = 1
    start: dt.date = dt.date(2026, 11, 1)
    days: int = 5
    events: int = 5_000
    duplicates: float = 0.02
    late: float = 0.02
    malformed: float = 0.005


@dataclass(frozen=True)
class Sketch:
    """What the records look like, and the files they come in. `time`: dotted path of the event's time. `suffix`: the end of the files' names."""

    fields: tuple[Field, ...]
    time: str
    format: FileFormat
    suffix: str


def write_sample(folder: Path, arguments: Arguments, sketch: Sketch, progress: Progress | None = None) -> SampleTruth:
    """Write a sample below a folder: `first/`, `late/` and, last, `truth.json`. A sample that was there is replaced.

    `progress` is told (days done, days in all). Raises `ConfigurationError` for a folder that holds anything but a sample.
    """
    clear_sample(folder)
    drawer = Drawer(sketch.fields, sketch.time, np.random.default_rng(arguments.seed))
    total, defects, days = Books(), dict.fromkeys(("duplicates", "late", "malformed"), 0), dict[str, int]()
    for number in range(arguments.days):
        day = arguments.start + dt.timedelta(days=number)
        events = arguments.events * (number + 1) // arguments.days - arguments.events * number // arguments.days
        counts = _write_day(folder, day, events, arguments, sketch, drawer)
        for name in defects:
            defects[name] += counts[name]
        days[day.isoformat()] = counts["kept"]
        sound = counts["lines"] - counts["malformed"]
        total = total + Books(
            lines=counts["lines"], unreadable=counts["malformed"], records=sound, rows=sound, duplicate=sound - counts["kept"], kept=counts["kept"]
        )
        if progress is not None:
            progress(number + 1, arguments.days)
    rule = "unreadable_json" if not isinstance(sketch.format, Csv | CombinedLog | JsonDocument) else "unsplittable"
    counted = Counts(
        fetch=FetchBooks(read=total.lines, placed=total.records, unplaced=total.unreadable),
        books=total,
        rules={rule: total.unreadable} if total.unreadable else {},
        days={day: kept for day, kept in days.items() if kept},
    )
    truth = SampleTruth(msgspec.to_builtins(arguments), counted, {name: n for name, n in defects.items() if n}, {"events": total.kept})
    truth.save(folder)
    return truth


def _write_day(folder: Path, day: dt.date, events: int, arguments: Arguments, sketch: Sketch, drawer: Drawer) -> dict[str, int]:
    """Write the files of a day; what is in them."""
    rng = np.random.default_rng([arguments.seed, day.toordinal()])
    late = _share(arguments.late, events) if events > 1 else 0
    lines, behind = (_lines(sketch.format, drawer.draw(_times(day, count, rng))) for count in (events - late, late))
    again = lines.head(min(len(lines), _share(arguments.duplicates, events)))
    broken = _share(arguments.malformed, events)
    names = _header(sketch)
    if isinstance(sketch.format, JsonDocument):  # a document that does not close is one broken line
        broken = min(broken, 1)
        texts = {f"first/{day}": (lines, 0), f"first/{day}-broken": (lines.head(0), broken)}
    else:
        texts = {f"first/{day}": (lines, broken)}
    for name, (sound, bad) in (texts | {f"first/{day}-again": (again, 0), f"late/{day}-late": (behind, 0)}).items():
        if len(sound) or bad:
            path = folder / f"{name}{sketch.suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_text(sketch.format, names, sound, bad, rng), encoding="utf-8")
    # Identical lines of one file are rows of their own; those of another file are the same ones again.
    told = pl.concat([one.to_frame("line").with_columns(pl.int_range(pl.len()).over("line").alias("repeat")) for one in (lines, again, behind)])
    return {
        "lines": len(lines) + len(again) + len(behind) + broken, "kept": told.n_unique(), "duplicates": len(again), "late": len(behind),
        "malformed": broken,
    }  # fmt: skip


def _share(share: float, events: int) -> int:
    return min(events, max(1, round(events * share))) if share > 0 and events else 0


def _times(day: dt.date, count: int, rng: np.random.Generator) -> Times:
    return (day - dt.date(1970, 1, 1)).days * DAY + np.sort(rng.integers(0, DAY, count))


def _header(sketch: Sketch) -> tuple[str, ...]:
    return tuple(field.name for field in sketch.fields)


def _lines(form: FileFormat, frame: pl.DataFrame) -> pl.Series:
    """The records as the lines of a file, without line breaks."""
    if isinstance(form, Csv):
        text = frame.write_csv(include_header=False, separator=form.delimiter, quote_char=form.quote or '"')
        return pl.Series("line", text.split("\n")[:-1], dtype=pl.String)
    if isinstance(form, CombinedLog):
        quoted = {"request", "referer", "agent"}
        parts = [pl.format('"{}"' if name in quoted else "[{}]" if name == "time" else "{}", pl.col(name).fill_null("-")) for name in frame.columns]
        return frame.with_columns(pl.all().cast(pl.String)).select(pl.concat_str(parts, separator=" ").alias("line"))["line"]
    return frame.select(pl.struct(pl.all()).struct.json_encode().alias("line"))["line"]


def _text(form: FileFormat, names: tuple[str, ...], sound: pl.Series, broken: int, rng: np.random.Generator) -> str:
    """The text of a file: its lines in order, the broken ones anywhere between them."""
    if isinstance(form, JsonDocument):
        outer = form.records.split(".") if form.records else []
        opened, closed = "".join(f'{{"{name}":' for name in outer) + "[", "]" + "}" * len(outer)
        return opened if broken else opened + ",\n".join(sound) + closed + "\n"
    bad = form.delimiter * len(names) if isinstance(form, Csv) else "no line of a log" if isinstance(form, CombinedLog) else '{"broken": '
    order = np.argsort(np.concatenate([np.arange(len(sound)), rng.uniform(0, len(sound), broken)]), kind="stable")
    lines = pl.concat([sound, pl.Series("line", [bad] * broken, dtype=pl.String)]).gather(order).to_list()
    if isinstance(form, Csv) and form.header is None:
        lines.insert(0, form.delimiter.join(_cell(form, name) for name in names))
    return "\n".join(lines) + "\n"


def _cell(form: Csv, name: str) -> str:
    return f"{form.quote}{name}{form.quote}" if form.quote and form.delimiter in name else name


def clear_sample(folder: Path) -> None:
    """Make a folder ready for a sample: an older one goes. `ConfigurationError` for a folder that holds anything else."""
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if found - {"first", "late", TRUTH_FILE}:
        raise ConfigurationError(f"{folder} holds more than a sample: {', '.join(sorted(found))}. Name an empty folder.")
    (folder / TRUTH_FILE).unlink(missing_ok=True)
    for name in ("first", "late"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
