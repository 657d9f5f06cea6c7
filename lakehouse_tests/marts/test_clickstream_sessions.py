"""Ids that live for longer than a session may: each session begins on its own day, and whichever days are built anew, the sessions are the same."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from clickstream_lakes import ClickLake

from lakehouse.steps.publish import publish_marts

FIRST = dt.date(2026, 7, 1)
DAY = dt.timedelta(days=1)
LONGEST = 31 * DAY
Seen = tuple[str, dt.date]

pytestmark = pytest.mark.usefixtures("token_key")


def days(start: dt.date, *offsets: int) -> list[dt.date]:
    return [start + n * DAY for n in offsets]


def land(made: ClickLake, file: Path, seen: Iterable[Seen]) -> None:
    """One event at noon for each (session id, day), built and published."""
    lines = [
        {"event_id": f"{name}-{day}", "user_id": "ada", "timestamp": f"{day}T12:00:00Z", "event_type": "page_view", "session_id": name}
        for name, day in seen
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    made.ingest(file)
    made.build()
    made.publish()


def sessions(made: ClickLake) -> dict[str, list[tuple[Any, ...]]]:
    """Id -> (mart date, first and last day, days) of its sessions, in their order."""
    sql = "SELECT session_id, mart_date, started_at::DATE, ended_at::DATE, days FROM clickstream_sessions ORDER BY ALL"
    found: dict[str, list[tuple[Any, ...]]] = {}
    with made.marts() as con:
        for name, *told in con.execute(sql).fetchall():
            found.setdefault(name, []).append(tuple(told))
    return found


def per_day(made: ClickLake) -> list[tuple[Any, ...]]:
    """What is made of the sessions."""
    with made.marts() as con:
        daily = con.execute("SELECT mart_date, sessions, events FROM clickstream_daily_sessions ORDER BY ALL").fetchall()
        funnel = con.execute("SELECT mart_date, step_number, sessions FROM clickstream_funnel ORDER BY ALL").fetchall()
        return [*daily, *funnel, *con.execute("SELECT sessions FROM clickstream_totals").fetchall()]


def wanted(seen: Iterable[Seen]) -> dict[str, list[tuple[Any, ...]]]:
    """The same by the rule, one day after the other."""
    of_id: dict[str, list[dt.date]] = {}
    for name, day in sorted(set(seen)):
        of_id.setdefault(name, []).append(day)
    found = {}
    for name, there in of_id.items():
        begun = [day for day in there if not any(day - LONGEST <= other < day for other in there)]
        members: dict[dt.date, list[dt.date]] = {}
        for day in there:
            members.setdefault(next((b for b in begun if b <= day <= b + LONGEST), day), []).append(day)
        found[name] = [(b, min(of), max(of), len(of)) for b, of in sorted(members.items())]
    return found


def test_no_session_is_dated_to_a_day_on_which_it_did_not_begin(tmp_path: Path) -> None:
    september = dt.date(2026, 9, 1)
    always, thrice, rested = days(september, *range(35)), days(september, 0, 19, 39), days(september, 0, 31, 63)
    made = ClickLake.make(tmp_path / "lake", FIRST)
    land(made, tmp_path / "a.jsonl", [(name, day) for name, of in (("always", always), ("thrice", thrice), ("rested", rested)) for day in of])
    assert sessions(made) == {
        "always": [(always[0], always[0], always[31], 32)] + [(day, day, day, 1) for day in always[32:]],
        "thrice": [(thrice[0], thrice[0], thrice[1], 2), (thrice[2], thrice[2], thrice[2], 1)],
        "rested": [(rested[0], rested[0], rested[1], 2), (rested[2], rested[2], rested[2], 1)],
    }
    assert per_day(made)[0] == (september, 3, 36)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_late_events_of_long_lived_ids_give_what_building_every_date_gives(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  a choice of days
    seen = [(f"id{n}", FIRST + rng.randrange(140) * DAY) for n in range(12) for _ in range(rng.choice((2, 4, 8, 20)))]
    rng.shuffle(seen)
    made = ClickLake.make(tmp_path / "lake", FIRST)
    landed: list[Seen] = []
    for part in range(3):
        land(made, tmp_path / f"{part}.jsonl", seen[part::3])
        landed += seen[part::3]
        assert sessions(made) == wanted(landed)
    patched = per_day(made)
    publish_marts(made.lake, made.dataset, force=True)
    assert (sessions(made), per_day(made)) == (wanted(seen), patched)
    assert max(len(of) for of in wanted(seen).values()) > 2, "some ids live for longer than a session may"
