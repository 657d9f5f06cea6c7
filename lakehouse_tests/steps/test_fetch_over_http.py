"""Fetching from the simulated Reports API with the real client, over real HTTP."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
import zstandard

import lakehouse
from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Window
from lakehouse.landing.plan import PlannedWindow
from lakehouse.landing.read import read_part
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.reports_api import ReportsApiClient, ReportsApiOptions
from lakehouse.sources.reports_api.retry import RetryPolicy
from lakehouse.sources.reports_api.server import SimulatedReportsApi
from lakehouse.steps.fetch import fetch, fetch_windows, next_fetch

RECORDED = Path(lakehouse.__file__).parents[2] / "shared" / "realdata" / "workspace_audit"
DAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def _lake(folder: Path, url: str, now: dt.datetime, applications: list[str], start: dt.date) -> Lake:
    settings = DatasetSettings(start=start, source={"applications": applications, "url": url})
    return open_lake(folder).with_settings(LakeSettings(clock=now, datasets={"workspace_audit": settings}))


def _lines(lake: Lake) -> list[bytes]:
    parts = [p.part for landed in load_ledger(lake, "workspace_audit").parts.values() for p in landed]
    return [line for part in parts for block in read_part(lake, part.path) for line in block.splitlines()]


def _write(folder: Path, events: list[tuple[dt.datetime, dt.datetime]]) -> list[bytes]:
    """Activities of one application: (time, visible from)."""
    lines = []
    (folder / "token").mkdir(parents=True)
    for hour in sorted({time.replace(minute=0, second=0) for time, _ in events}):
        mine = [(n, e) for n, e in enumerate(events) if e[0].replace(minute=0, second=0) == hour]
        texts = [
            json.dumps(
                {
                    "etag": f'"x/{n}"',
                    "id": {"time": f"{t:%Y-%m-%dT%H:%M:%S}.000Z", "uniqueQualifier": str(n), "applicationName": "token", "customerId": "C"},
                }
            ).encode()
            for n, (t, _) in mine
        ]
        stem = folder / "token" / f"{hour:%Y-%m-%dT%H}"
        stem.with_name(stem.name + ".jsonl.zst").write_bytes(zstandard.compress(b"\n".join(texts) + b"\n"))
        times = [(int(t.timestamp() * 1e6), int(v.timestamp() * 1e6)) for _, (t, v) in mine]
        np.save(stem.with_name(stem.name + ".npy"), np.array(times, dtype=np.int64))
        lines += texts
    return lines


def test_events_that_show_up_late_land_with_the_next_fetch_and_nothing_lands_twice(tmp_path):
    seen, hidden = DAY + dt.timedelta(hours=4), DAY + dt.timedelta(hours=4, minutes=30)
    events = [(DAY + dt.timedelta(minutes=n), seen if n % 10 else hidden) for n in range(1, 230)]
    lines = _write(tmp_path / "activities", events)
    with SimulatedReportsApi(tmp_path / "activities", clock=seen, rotate_etags=True) as api:
        dataset = find_dataset("workspace_audit")
        lake = _lake(tmp_path / "lake", api.url, seen, ["token"], DAY.date())
        first = fetch_windows(lake, dataset, next_fetch(lake, dataset).windows)
        first.raise_for_errors()
        assert first.books.placed == sum(visible == seen for _, visible in events)

        api.set_clock(hidden)
        lake = _lake(tmp_path / "lake", api.url, hidden, ["token"], DAY.date())
        second = fetch_windows(lake, dataset, next_fetch(lake, dataset).windows)
        second.raise_for_errors()
        fetch(lake, dataset, DAY, hidden, purpose="daily_sweep").raise_for_errors()
        third = fetch(lake, dataset, DAY, hidden, purpose="weekly_sweep")
    ledger = load_ledger(lake, "workspace_audit")
    assert third.books.placed == 0
    assert third.books.read == third.books.re_read >= len(events)
    qualifiers = sorted(json.loads(line)["id"]["uniqueQualifier"] for line in _lines(lake))
    assert qualifiers == sorted(json.loads(line)["id"]["uniqueQualifier"] for line in lines)
    assert sum(ledger.late_recovered.values()) == sum(visible == hidden for _, visible in events)
    # Every tenth minute was hidden, 22 of them; the overlap goes back three hours, to the one at 01:00, and the sweep finds those before.
    assert [(r.purpose, r.count, r.late, r.share) for r in ledger.recovered] == [
        ("overlap", 17, 22, 17 / 22),
        ("daily_sweep", 5, 22, 5 / 22),
        ("weekly_sweep", 0, 22, 0.0),
    ]
    assert ledger.coverage["token"] == (Window(DAY, hidden - dt.timedelta(seconds=30)),)
    assert all(m.http["requests"] == 1 and m.order_violations == 0 for m in third.manifests)


def _client(url: str, now: dt.datetime) -> ReportsApiClient:
    """The real client, with small pages and one try."""
    return ReportsApiClient(ReportsApiOptions(url=url, page_size=10), now=lambda: now, retry=RetryPolicy(attempts=1))


def test_a_failure_on_page_three_moves_no_cursor_and_lands_no_line_of_the_pages_before(tmp_path):
    """Pages come newest first: what a broken walk has read is the end of the window, and its beginning is missing."""
    now = DAY + dt.timedelta(hours=3)
    lines = _write(tmp_path / "activities", [(DAY + dt.timedelta(minutes=n), now) for n in range(1, 179)])
    with SimulatedReportsApi(tmp_path / "activities", clock=now, faults=[{"page": 3, "status": 503, "times": 2}]) as api:
        dataset = find_dataset("workspace_audit")
        lake = _lake(tmp_path / "lake", api.url, now, ["token"], DAY.date())
        windows = [PlannedWindow("token", Window(DAY + dt.timedelta(hours=h), DAY + dt.timedelta(hours=h + 1)), "new") for h in range(3)]
        broken = fetch_windows(lake, dataset, windows[:2], source=_client(api.url, now))
        assert [o.error is not None for o in broken.outcomes] == [True, True]
        ledger = load_ledger(lake, "workspace_audit")
        assert (ledger.last_number, ledger.cursor("token"), _lines(lake)) == (0, None, [])
        fetch_windows(lake, dataset, windows[2:], source=_client(api.url, now)).raise_for_errors()
        assert {w.window for w in next_fetch(lake, dataset).windows} >= {w.window for w in windows[:2]}
        fetch_windows(lake, dataset, next_fetch(lake, dataset).windows, source=_client(api.url, now)).raise_for_errors()
    assert sorted(_lines(lake)) == sorted(lines)
    assert load_ledger(lake, "workspace_audit").coverage["token"] == (Window(DAY, now - dt.timedelta(seconds=30)),)


def test_no_page_token_is_used_in_another_window(tmp_path):
    now = DAY + dt.timedelta(hours=4)
    _write(tmp_path / "activities", [(DAY + dt.timedelta(minutes=n), now) for n in range(1, 239)])
    with SimulatedReportsApi(tmp_path / "activities", clock=now) as api:
        dataset = find_dataset("workspace_audit")
        lake = _lake(tmp_path / "lake", api.url, now, ["token"], DAY.date())
        for _ in range(2):  # a token of a window that was read before is stale, too
            fetch(lake, dataset, DAY, now, source=_client(api.url, now)).raise_for_errors()
        asked = [seen.query for seen in api.requests]
    windows = [(q["startTime"], q["endTime"]) for q in asked if "pageToken" not in q]
    assert len(windows) == 8
    tokens = {(q["pageToken"], q["startTime"], q["endTime"]) for q in asked if "pageToken" in q}
    assert len(tokens) == len({token for token, _, _ in tokens}) > 8


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"the recorded activities are not there: {RECORDED}")
def test_every_recorded_activity_lands_verbatim_and_a_second_fetch_changes_nothing(tmp_path):
    recorded = {
        json.dumps(activity, sort_keys=True)
        for file in RECORDED.glob("*.json")
        for activity in json.loads(file.read_text())["activities"]
    }  # fmt: skip
    times = sorted(json.loads(text)["id"]["time"] for text in recorded)
    first = dt.datetime.fromisoformat(times[0]).replace(minute=0, second=0, microsecond=0)
    now = dt.datetime.fromisoformat(times[-1]) + dt.timedelta(hours=1)
    start = max(first, now - dt.timedelta(days=179))
    applications = sorted(file.stem for file in RECORDED.glob("*.json"))
    expected = {text for text in recorded if dt.datetime.fromisoformat(json.loads(text)["id"]["time"]) >= start}
    hours = sorted({dt.datetime.fromisoformat(json.loads(text)["id"]["time"]).replace(minute=0, second=0, microsecond=0) for text in expected})
    with SimulatedReportsApi(RECORDED, clock=now) as api:
        dataset = find_dataset("workspace_audit")
        lake = _lake(tmp_path / "lake", api.url, now, applications, first.date())
        ends = [(max(hour, start), hour + dt.timedelta(hours=1)) for hour in hours]
        windows = [PlannedWindow(name, Window(*end), "backfill") for end in ends for name in applications]
        for _ in range(2):
            fetch_windows(lake, dataset, windows).raise_for_errors()
    landed = [json.dumps(json.loads(line), sort_keys=True) for line in _lines(lake)]
    assert len(landed) == len(set(landed))
    assert set(landed) == expected
