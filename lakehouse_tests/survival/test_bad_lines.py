"""Lines that are no records, among lines that are: each is quarantined or kept as what it is, and its neighbours do not feel it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from build_lakes import DAY, BuildLake, event, line

from lakehouse.accounts.books import Books
from lakehouse.operations.quarantine import refused
from lakehouse.operations.reconciliation import reconcile
from lakehouse.settings import DatasetSettings, LakeSettings
from lakehouse.sources.reports_api.server import SimulatedReportsApi
from lakehouse.steps.fetch import fetch

LONG = 10_000_000
HOUR = dt.datetime.combine(DAY, dt.time(9), tzinfo=dt.UTC)


def with_parameter(number: int, value: str) -> dict[str, Any]:
    """A record with this value in a parameter that no column claims."""
    return event(9, number, events=[{"name": "activity", "parameters": [{"name": "unheard_of", "value": value}]}])


GOOD = [line(event(9, number)) for number in range(1, 6)]
WRONG_DATES = [
    line(event(9, 40) | {"id": event(9, 40)["id"] | {"time": time}}) for time in ("2026-02-30T09:00:00Z", "17.11.2026", "", "2019-01-01T00:00:00Z")
]
# line -> the rule that refuses it; None: it is kept
ODD: dict[bytes, str | None] = {
    GOOD[0][: len(GOOD[0]) // 2]: "unreadable_json",
    b'"}],"name":"activity"}]}': "unreadable_json",
    line(event(9, 30)) + line(event(9, 31)): "unreadable_json",
    line(event(9, 32)) + b" " + line(event(9, 33)): "unreadable_json",
    line(with_parameter(34, "x")).replace(b'"x"', b'"\xff\xfe"'): "unreadable_json",
    line(with_parameter(35, "x")).replace(b'"x"', b'"\x00"'): "unreadable_json",
    b"\x00": "unreadable_json",
    b"x" * LONG: "unreadable_json",
    line(with_parameter(36, "y" * LONG))[:-1]: "unreadable_json",
    line(with_parameter(37, "z" * LONG)): None,
    WRONG_DATES[0]: "time_unreadable",
    WRONG_DATES[1]: "time_unreadable",
    WRONG_DATES[2]: "time_unreadable",
    WRONG_DATES[3]: "before_start",
    b"": None,
}
KEPT = [(9, n) for n in (1, 2, 3, 4, 5, 37)]


def check(made: BuildLake) -> None:
    """The good lines are kept, the others refused under their rules, and every line is in the books."""
    made.build()
    made.build(made.lake.now().date())
    assert made.names() == sorted(KEPT)
    told = sorted(r.rule for r in refused(made.lake, made.dataset, limit=None))
    assert told == sorted(rule for rule in ODD.values() if rule is not None)
    found = reconcile(made.lake, made.dataset)
    assert found.closes, list(map(str, found.differences))
    assert found.pending == 0
    (long,) = [row for row in made.rows().iter_rows(named=True) if row["unique_id"] == "37"]
    assert "z" * LONG in str(long)


def test_odd_lines_of_a_file_are_quarantined_and_the_rest_is_kept(made: BuildLake) -> None:
    for number in range(2):  # all in one part, then each in a part of its own
        lake = made if number == 0 else BuildLake.make(made.folder.parent / "other")
        mixed = [text for pair in zip((*GOOD, *[b""] * len(ODD)), ODD, strict=False) for text in pair]
        if number == 0:
            lake.land_copies(*mixed)
        else:
            for text in (*GOOD, *ODD):
                lake.land_copies(text)
        check(lake)


def test_odd_items_of_a_page_come_through_http_and_are_quarantined(made: BuildLake, tmp_path: Path) -> None:
    """What a page can hold: its items are cut out of it even where they are no JSON, as long as their brackets close."""
    texts = [*GOOD, *(text for text in ODD if text.startswith(b"{") and text.count(b"{") == text.count(b"}"))]
    stem = tmp_path / "activities" / "token" / f"{HOUR:%Y-%m-%dT%H}"
    stem.parent.mkdir(parents=True)
    stem.with_name(stem.name + ".jsonl.zst").write_bytes(zstandard.compress(b"\n".join(texts) + b"\n"))
    moments = [[int((HOUR + dt.timedelta(seconds=n)).timestamp() * 1e6)] * 2 for n in range(len(texts))]
    np.save(stem.with_name(stem.name + ".npy"), np.array(moments, dtype=np.int64))
    with SimulatedReportsApi(tmp_path / "activities", clock=made.lake.now()) as api:
        source = {"applications": ["token"], "url": api.url}
        settings = LakeSettings(clock=made.lake.now(), datasets={"workspace_audit": DatasetSettings(start=dt.date(2026, 11, 10), source=source)})
        lake = BuildLake(made.lake.with_settings(settings))
        report = fetch(lake.lake, lake.dataset, HOUR, HOUR + dt.timedelta(hours=1))
    report.raise_for_errors()
    lake.build()
    lake.build(lake.lake.now().date())
    assert lake.names() == sorted(KEPT)
    assert reconcile(lake.lake, lake.dataset).closes
    refusals = [r.rule for r in refused(lake.lake, lake.dataset, limit=None)]
    assert len(refusals) + len(KEPT) == report.books.read
    assert set(refusals) == {"unreadable_json", "time_unreadable", "before_start"}


@pytest.mark.parametrize("text", [b"", b"\n", b"   "])
def test_a_part_of_nothing_is_nothing(made: BuildLake, text: bytes) -> None:
    made.land_copies(*text.split(b"\n"))
    made.cover()
    report = made.build(made.lake.now().date())
    assert report.books in (Books(), Books(lines=1, blank=1), Books(lines=2, blank=2))
    assert reconcile(made.lake, made.dataset).closes
