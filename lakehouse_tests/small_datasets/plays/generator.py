"""Samples of `plays`: a file a day, with copies and broken lines; one file that comes late."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.accounts.truth import Counts, SampleTruth

DEMO_DAYS = 5
LATE = 4  # lines of the late file, of the second day


@dataclass(frozen=True)
class Arguments:
    """`events`: sound plays in all, `copies` and `broken`: lines of each day beside them."""

    seed: int
    start: dt.date
    days: int
    events: int
    copies: int = 3
    broken: int = 1


def play(when: dt.datetime, number: int, song: str = "Blue") -> bytes:
    """A line."""
    return json.dumps({"at": f"{when:%Y-%m-%dT%H:%M:%SZ}", "id": f"p{number}", "song": song}).encode()


def generate(folder: Path, arguments: Arguments, progress: Callable[[int, int], None] | None = None) -> SampleTruth:
    """Write `first/`, `late/` and the truth."""
    each = arguments.events // arguments.days
    days: dict[str, int] = {}
    for day in range(arguments.days):
        date = arguments.start + dt.timedelta(days=day)
        noon = dt.datetime.combine(date, dt.time(6), dt.UTC)
        lines = [play(noon + dt.timedelta(minutes=n), day * each + n) for n in range(each)]
        lines += lines[: arguments.copies] + [b'{"at": '] * arguments.broken
        _write(folder / "first" / f"{date}.jsonl", lines)
        days[str(date)] = each
        if progress is not None:
            progress(day + 1, arguments.days)
    second = arguments.start + dt.timedelta(days=1)
    evening = dt.datetime.combine(second, dt.time(20), dt.UTC)
    _write(folder / "late" / f"{second}-late.jsonl", [play(evening + dt.timedelta(minutes=n), 10_000 + n) for n in range(LATE)])
    days[str(second)] += LATE
    truth = SampleTruth(json.loads(json.dumps(asdict(arguments), default=str)), _counts(arguments, days))
    truth.save(folder)
    return truth


def _counts(arguments: Arguments, days: dict[str, int]) -> Counts:
    kept, copies, broken = sum(days.values()), arguments.copies * arguments.days, arguments.broken * arguments.days
    books = Books(lines=kept + copies + broken, unreadable=broken, records=kept + copies, rows=kept + copies, duplicate=copies, kept=kept)
    return Counts(FetchBooks(books.lines, 0, kept + copies, broken), books, {"unreadable_json": broken}, days)


def small_demo(folder: Path, now: dt.datetime, progress: Callable[[int, int], None] | None = None) -> SampleTruth:
    """Five days before the day of `now`."""
    return generate(folder, Arguments(1, now.date() - dt.timedelta(days=DEMO_DAYS), DEMO_DAYS, 100), progress)


def _write(path: Path, lines: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
