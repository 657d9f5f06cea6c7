"""Fetching windows in parallel from a source that lives in this process."""

from __future__ import annotations

import datetime as dt
import errno
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lakehouse.accounts.books import FetchBooks
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import ConfigurationError, TerminalError, TransientError
from lakehouse.landing.ledger import load_ledger, read_manifests
from lakehouse.landing.manifest import Window
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.waiting import Wait
from lakehouse.steps.fetch import PARALLEL, fetch, fetch_windows, hour_window, next_fetch, probe

NOW = dt.datetime(2026, 11, 20, 13, 15, tzinfo=dt.UTC)
MARGIN = dt.timedelta(seconds=30)


@dataclass
class Walk:
    start: dt.datetime
    pages: list[list[bytes]]
    error: Exception | None = None
    read: int = 0

    @property
    def counters(self) -> dict[str, int]:
        return {"pages": self.read, "order_violations": 0}

    def __iter__(self):
        for page in self.pages:
            self.read += 1
            yield page
        if self.error is not None:
            raise self.error


@dataclass
class Events:
    """A source that holds events and tells those of a window, newest first, both ends inclusive, in pages of two."""

    events: list[tuple[dt.datetime, bytes]] = field(default_factory=list)
    failing: dict[dt.datetime, Exception] = field(default_factory=dict)
    asked: list[tuple[str, dt.datetime, dt.datetime]] = field(default_factory=list)
    keeps_from: dt.datetime = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def waiting(self) -> tuple[Wait, ...]:
        return ()

    def stop(self) -> None:
        self.stopped = True

    def add(self, time: dt.datetime, application: str = "login") -> bytes:
        identity = {"time": time.isoformat().replace("+00:00", "Z"), "uniqueQualifier": str(len(self.events)), "applicationName": application}
        line = json.dumps({"id": {**identity, "customerId": "C0"}, "events": [{"name": "e"}]}).encode()
        self.events.append((time, line))
        return line

    def window(self, application: str, start: dt.datetime, end: dt.datetime) -> Walk:
        with self.lock:
            self.asked.append((application, start, end))
        lines = [text for time, text in sorted(self.events, reverse=True) if start <= time <= end and f'"{application}"'.encode() in text]
        return Walk(max(start, self.keeps_from), [lines[i : i + 2] for i in range(0, len(lines), 2)] or [[]], self.failing.get(start))


@pytest.fixture
def dataset() -> Dataset:
    return find_dataset("workspace_audit")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return _at(open_lake(tmp_path / "lake"), NOW)


def _at(lake: Lake, now: dt.datetime) -> Lake:
    source = {"applications": ["login"]}
    return lake.with_settings(LakeSettings(clock=now, datasets={"workspace_audit": DatasetSettings(start=dt.date(2026, 11, 20), source=source)}))


def _hour(hour: float) -> dt.datetime:
    return dt.datetime(2026, 11, 20, tzinfo=dt.UTC) + dt.timedelta(hours=hour)


def test_each_window_lands_with_one_manifest_and_coverage_is_whole(lake, dataset):
    source = Events()
    for minute in range(0, 600, 7):
        source.add(_hour(minute / 60))
    told = []
    report = fetch(lake, dataset, _hour(0), _hour(10), source=source, run_id="r", progress=lambda *args: told.append(args))
    assert len(report.manifests) == len(report.outcomes) == 10
    assert sorted(m.number for m in report.manifests) == list(range(1, 11))
    assert [o.planned.window.start for o in report.outcomes] == [_hour(h) for h in range(10)]
    assert load_ledger(lake, "workspace_audit").coverage == {"login": (Window(_hour(0), _hour(10)),)}
    assert report.books.placed == sum(p.part.lines for parts in load_ledger(lake, "workspace_audit").parts.values() for p in parts)
    assert {m.run_id for m in report.manifests} == {"r"}
    assert [(done, total) for _, done, total in told] == [(n, 10) for n in range(1, 11)]
    assert report.days == (_hour(0).date(),)
    report.raise_for_errors()


def test_a_second_fetch_of_the_same_stretch_lands_nothing(lake, dataset):
    source = Events()
    for minute in range(0, 300, 11):
        source.add(_hour(minute / 60) + dt.timedelta(seconds=1))
    first = fetch(lake, dataset, _hour(0), _hour(5), source=source)
    again = fetch(lake, dataset, _hour(0), _hour(5), source=source, purpose="daily_sweep")
    assert again.books == FetchBooks(read=first.books.read, re_read=first.books.read)
    assert (again.days, [m.parts for m in again.manifests]) == ((), [()] * 5)


def test_a_failed_window_stops_no_other_and_coverage_ends_before_it(lake, dataset):
    source = Events(failing={_hour(1): TransientError("503 three times")})
    for hour in range(4):
        source.add(_hour(hour + 0.5))
    report = fetch(lake, dataset, _hour(0), _hour(4), source=source)
    assert [o.error is not None for o in report.outcomes] == [False, True, False, False]
    ledger = load_ledger(lake, "workspace_audit")
    assert (ledger.cursor("login"), ledger.last_number) == (_hour(1), 3)
    assert "2026-11-20T01" not in ledger.parts  # the page that was read before the error
    with pytest.raises(TransientError, match=r"1 of 4 windows failed\. The others are landed\. First: login 2026-11-20T01:00:00Z.*503 three times"):
        report.raise_for_errors()
    source.failing.clear()
    plan = next_fetch(lake, dataset)
    report = fetch_windows(lake, dataset, plan.windows, source=source)
    ledger = load_ledger(lake, "workspace_audit")
    assert ledger.cursor("login") == NOW - MARGIN
    assert sum(p.part.lines for parts in ledger.parts.values() for p in parts) == 4


def test_a_refusal_among_the_errors_is_terminal(lake, dataset):
    source = Events(failing={_hour(1): TransientError("busy"), _hour(2): TerminalError("403: no scope")})
    with pytest.raises(TerminalError, match="2 of 4 windows failed"):
        fetch(lake, dataset, _hour(0), _hour(4), source=source).raise_for_errors()


def test_what_a_disk_refuses_is_not_tried_again(lake, dataset):
    source = Events(failing={_hour(1): OSError(errno.ENOSPC, "No space left on device"), _hour(2): TransientError("busy")})
    with pytest.raises(TerminalError, match=r"2 of 4 windows failed.*No space left on device"):
        fetch(lake, dataset, _hour(0), _hour(4), source=source).raise_for_errors()


def test_a_source_that_always_fails_is_left_alone(lake, dataset):
    source = Events(failing={_hour(h): TransientError("down") for h in range(-48, 48)})
    report = fetch(lake, dataset, _hour(-40), _hour(4), source=source)
    assert 8 <= len(report.errors) <= 8 + PARALLEL
    assert len(source.asked) == len(report.errors)
    assert len(report.not_tried) == 44 - len(report.errors)
    with pytest.raises(TransientError, match="were not tried"):
        report.raise_for_errors()


def test_a_mistake_in_the_program_is_not_taken_for_a_failed_window(lake, dataset):
    source = Events(failing={_hour(1): ZeroDivisionError("bug")})
    with pytest.raises(ZeroDivisionError):
        fetch(lake, dataset, _hour(0), _hour(4), source=source)
    assert source.stopped


def test_what_is_not_past_the_margin_is_read_and_not_covered(lake, dataset):
    source = Events()
    source.add(NOW - dt.timedelta(seconds=10))
    report = fetch(lake, dataset, _hour(13), _hour(20), source=source)
    assert source.asked == [("login", _hour(13), NOW)]
    assert report.manifests[0].window == Window(_hour(13), NOW)
    assert report.manifests[0].covered == Window(_hour(13), NOW - MARGIN)
    assert report.books.placed == 1
    tail = fetch(lake, dataset, NOW - dt.timedelta(seconds=20), NOW, source=source)
    assert tail.manifests[0].covered is None


def test_what_the_source_no_longer_keeps_is_not_covered(lake, dataset):
    source = Events(keeps_from=_hour(2.5))
    fetch(lake, dataset, _hour(2), _hour(4), source=source)
    assert load_ledger(lake, "workspace_audit").coverage["login"] == (Window(_hour(2.5), _hour(4)),)


def test_a_range_or_an_hour_past_the_retention_is_refused_with_that_sentence(lake, dataset):
    old = NOW - dt.timedelta(days=180, hours=2)
    with pytest.raises(TerminalError, match=r"keeps 180 days, so the oldest instant it answers for is 2026-05-24T13:15Z"):
        fetch(lake, dataset, old, NOW, source=Events())
    with pytest.raises(TerminalError, match="keeps 180 days"):
        hour_window(lake, dataset, old)
    edge = (NOW - dt.timedelta(days=180)).replace(minute=0)
    assert hour_window(lake, dataset, edge) == Window(edge, edge + dt.timedelta(hours=1))


def test_an_hour_is_fetched_again_whole_or_as_far_as_it_has_passed(lake, dataset):
    assert hour_window(lake, dataset, _hour(9.75)) == Window(_hour(9), _hour(10))
    assert hour_window(lake, dataset, _hour(13)) == Window(_hour(13), NOW)
    with pytest.raises(TerminalError, match="lies in the future"):
        hour_window(lake, dataset, _hour(14))


def test_late_events_are_found_by_the_next_fetch_and_counted(lake, dataset):
    source = Events()
    source.add(_hour(12.5))
    fetch_windows(lake, dataset, next_fetch(lake, dataset).windows, source=source)
    late = source.add(_hour(12.6))
    later = _at(lake, NOW + dt.timedelta(hours=1))
    source.add(_hour(13.5))
    report = fetch_windows(later, dataset, next_fetch(later, dataset).windows, source=source)
    assert (report.books.placed, report.books.re_read) == (2, 1)
    manifests = list(read_manifests(lake, "workspace_audit"))
    assert sum(m.late_recovered for m in manifests) == 1
    assert load_ledger(lake, "workspace_audit").late_recovered == {"overlap": 1}
    behind = (NOW - MARGIN - _hour(12.6)).total_seconds()
    assert [b for m in manifests for b, n in m.lateness.items() if b and n] == [2700]
    assert 1800 < behind <= 2700
    assert late


def test_a_sensor_learns_cheaply_whether_a_fetch_is_due(lake, dataset):
    source = Events()
    first = probe(lake, dataset)
    assert (first.due, first.new, first.again) == (True, 14, 0)
    fetch_windows(lake, dataset, first.plan.windows, source=source)
    assert not probe(lake, dataset).due
    assert not probe(_at(lake, NOW + dt.timedelta(minutes=59)), dataset).due
    assert probe(_at(lake, NOW + dt.timedelta(minutes=10)), dataset, at_least=dt.timedelta(minutes=5)).due
    due = probe(_at(lake, NOW + dt.timedelta(hours=1)), dataset)
    assert (due.due, due.new) == (True, 2)
    assert "login: read up to 2026-11-20T13:14:30Z" in due.reason
    assert source.asked  # the plan was fetched; probing asked the source nothing more
    assert len(source.asked) == 14


def test_a_hole_that_a_failure_left_is_due_even_when_it_is_short(lake, dataset):
    source = Events(failing={_hour(13): TransientError("503")})
    fetch_windows(lake, dataset, next_fetch(lake, dataset).windows, source=source)
    assert not probe(lake, dataset).due  # a quarter of an hour at the end, which the next fetch reads anyway
    fetch(lake, dataset, _hour(13.2), NOW, source=source)
    assert probe(lake, dataset).due


def test_a_day_later_a_sweep_is_due(lake, dataset):
    source = Events()
    fetch_windows(lake, dataset, next_fetch(lake, dataset).windows, source=source)
    tomorrow = _at(lake, NOW + dt.timedelta(days=1))
    assert {w.purpose for w in probe(tomorrow, dataset).plan.windows} == {"backfill", "new", "daily_sweep"}
    report = fetch_windows(tomorrow, dataset, next_fetch(tomorrow, dataset).windows, source=source)
    assert not report.errors
    assert not probe(tomorrow, dataset).due


def test_several_applications_have_coverage_of_their_own(lake, dataset):
    source = Events()
    source.add(_hour(1.5), "login")
    source.add(_hour(1.5), "token")
    report = fetch(lake, dataset, _hour(1), _hour(2), applications=("login", "token"), source=source)
    assert {m.application: m.books.placed for m in report.manifests} == {"login": 1, "token": 1}
    assert set(load_ledger(lake, "workspace_audit").coverage) == {"login", "token"}


def test_a_record_on_the_edge_of_two_windows_lands_once_though_both_bring_it_at_the_same_time(lake, dataset):
    source = Events()
    edge = source.add(_hour(2))
    both = threading.Barrier(2)

    class Together(Walk):
        def __iter__(self):
            yield from super().__iter__()
            both.wait(30)  # each has read everything before either lands

    window = source.window
    source.window = lambda *asked: Together(**{**vars(window(*asked)), "read": 0})  # type: ignore[method-assign]
    report = fetch(lake, dataset, _hour(1), _hour(3), source=source)
    assert report.books == FetchBooks(read=2, re_read=1, placed=1)
    assert [m.parts[0].grain for m in report.manifests if m.parts] == ["2026-11-20T02"]
    assert edge in source.events[0]


def test_nothing_to_fetch_is_an_empty_report(lake, dataset):
    report = fetch(lake, dataset, _hour(15), _hour(16), source=Events())
    assert (report.outcomes, report.books, report.days) == ((), FetchBooks(), ())


def test_a_dataset_without_a_source_by_time_is_refused(lake, dataset):
    from dataclasses import replace

    with pytest.raises(ConfigurationError, match="no source that can be asked"):
        fetch(lake, replace(dataset, source=None), _hour(1), _hour(2))
