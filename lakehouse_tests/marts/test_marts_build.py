"""Builds: only what changed days reach, the same as building everything, nothing published when red."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from mart_lakes import LAST, MONDAY, Built, commit_day, cover, read_events

from lakehouse.errors import AuditError, ConfigurationError
from lakehouse.marts import build
from lakehouse.marts.publish import current_version, published_path
from lakehouse.marts.records import MartsRefusedError
from lakehouse.marts.specs import mart_specs
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.publish import publish_marts
from lakehouse.storage import Store

TUESDAY, NEXT = dt.date(2026, 3, 3), dt.date(2026, 3, 9)
SPECS = mart_specs("workspace_audit")


def contents(path: Path) -> dict[str, list[Any]]:
    """All rows of all marts of a file."""
    with duckdb.connect(str(path), read_only=True) as con:
        return {spec.name: con.execute(f"SELECT * FROM {spec.name} ORDER BY ALL").fetchall() for spec in SPECS}


@pytest.fixture
def no_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt may not be started."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("dbt was started")

    monkeypatch.setattr(build, "run_dbt", refuse)


def test_the_first_build_builds_every_mart_and_says_why(built: Built) -> None:
    report = built.report
    assert (report.version, report.skipped, report.reason) == (1, False, "nothing was published yet")
    assert set(report.rebuilt) == {s.name for s in SPECS}
    assert report.days == (MONDAY, TUESDAY, NEXT, LAST)
    assert report.rebuilt["audit_top_users"] == (MONDAY, TUESDAY, NEXT, LAST)
    assert report.rebuilt["audit_weekly_top_users"] == (MONDAY, NEXT, dt.date(2026, 3, 30))
    assert {t.name for t in report.tests} >= {t.name for s in SPECS for t in s.tests}
    assert all(t.status == "pass" for t in report.tests)
    assert report.rows["audit_monthly_top_users"] == 9
    assert report.as_of == NEXT, "the last day is not complete"


def test_the_record_says_what_the_version_was_built_from(built: Built) -> None:
    record = current_version(built.lake, built.dataset)
    assert record is not None
    assert {day: b.kept for day, b in record.days.items()} == {MONDAY: 18, TUESDAY: 13, NEXT: 2, LAST: 1}
    assert len(record.files) == 4
    assert all((built.folder / file).is_file() for file in record.files)
    assert record.models["audit_hourly_activity"] == ((MONDAY, TUESDAY), (NEXT, NEXT), (LAST, LAST))
    assert (built.folder / record.file).is_file()
    assert set(record.software) == {"dbt-core", "dbt-duckdb", "duckdb"}


def test_nothing_to_do_is_said_without_starting_dbt(built: Built, no_dbt: None) -> None:
    report = publish_marts(built.lake, built.dataset)
    assert (report.skipped, report.version) == (True, 1)
    assert report.reason == "no clean day differs from the published version"
    assert publish_marts(built.lake, built.dataset, [MONDAY]).skipped


def test_a_lake_without_clean_days_has_nothing_to_publish(tmp_path: Path, built: Built, no_dbt: None) -> None:
    report = publish_marts(open_lake(tmp_path), built.dataset)
    assert (report.skipped, report.version, report.reason) == (True, None, "there is no committed clean day yet")
    assert published_path(open_lake(tmp_path), built.dataset) is None


def test_marts_need_a_local_disk(built: Built) -> None:
    elsewhere = Lake(Store("s3://bucket/lake", None, None), LakeSettings())
    with pytest.raises(ConfigurationError, match="local disk"):
        publish_marts(elsewhere, built.dataset)


def change(lake: Lake) -> None:
    """Tuesday shrinks to nothing, the second Monday gets a late event, a new day comes in between, the last day is over, a hole is filled."""
    events = read_events("events.jsonl")
    commit_day(lake, TUESDAY, [])
    late = {"at": "2026-03-09T23:30:00", "application": "token", "event_name": "activity", "actor": "ada", "client_id": "c1", "method_name": "m"}
    commit_day(lake, NEXT, [*events[NEXT], late])
    new = {"at": "2026-03-05T06:00:00", "application": "login", "event_name": "login_success", "actor": "ada", "region_code": "US"}
    commit_day(lake, dt.date(2026, 3, 5), [new])
    commit_day(lake, LAST, events[LAST])
    cover(lake, "token", "2026-03-09T12:00:00", "2026-03-09T14:00:00")


def test_building_what_changed_equals_building_everything(changing: Built, tmp_path: Path) -> None:
    change(changing.lake)
    before = published_path(changing.lake, changing.dataset)
    assert before is not None
    old = contents(before)

    # Days can be asked for; the others wait as they were.
    first = publish_marts(changing.lake, changing.dataset, [TUESDAY])
    assert first.days == (TUESDAY,)
    record = current_version(changing.lake, changing.dataset)
    assert record is not None
    assert {day: b.kept for day, b in record.days.items()} == {MONDAY: 18, TUESDAY: 0, NEXT: 2, LAST: 1}

    report = publish_marts(changing.lake, changing.dataset)
    part = contents(before)
    for name, dates in first.rebuilt.items():
        report.rebuilt[name] = tuple(sorted({*report.rebuilt.get(name, ()), *dates}))

    # Only what was declared: Monday's own marts stay as they are, and so does what its days do not reach.
    assert report.version == 3
    assert report.days == (dt.date(2026, 3, 5), NEXT, LAST)
    dated = {s.name: s for s in SPECS if s.dated}
    for name, dates in report.rebuilt.items():
        if name in dated:
            place = [c.name for c in dated[name].columns].index("mart_date")
            assert [r for r in part[name] if r[place] not in dates] == [r for r in old[name] if r[place] not in dates], name
    assert report.rebuilt["audit_hourly_activity"] == (TUESDAY, dt.date(2026, 3, 5), NEXT, LAST)
    around = [dt.date(2026, 3, d) for d in (2, 3, 4, 5, 6, 8, 9, 10, 31)]
    assert report.rebuilt["audit_login_bursts"] == (*around, LAST)
    assert report.rebuilt["audit_weekly_top_users"] == (MONDAY, NEXT, dt.date(2026, 3, 30))
    assert report.rebuilt["audit_app_inventory"] == ()

    # A day that shrank to nothing is gone, from marts of its day and from what looks at it.
    assert not [r for r in part["audit_top_users"] if r[0] == TUESDAY]
    assert old["audit_login_bursts"]
    assert not part["audit_login_bursts"], "the burst had four logins left"
    gaps = [(r[2], r[3]) for r in part["audit_gaps"] if r[0] == NEXT]
    assert gaps == [("login", 30.0)] + [("login", 0.0)] * 11, "the hole of token is filled, that of login is not"

    other = tmp_path / "full"
    shutil.copytree(changing.folder, other)
    whole = publish_marts(open_lake(other), changing.dataset, force=True)
    assert whole.reason == "every date was asked for"
    everything = contents(other / "marts" / "workspace_audit.duckdb")
    assert [name for name in part if part[name] != everything[name]] == []


def test_a_version_whose_file_is_gone_is_built_anew_as_a_whole_whichever_day_was_asked_for(changing: Built) -> None:
    before, published = current_version(changing.lake, changing.dataset), published_path(changing.lake, changing.dataset)
    assert before is not None
    assert published is not None
    rows = contents(published)
    (changing.folder / before.file).unlink()
    report = publish_marts(changing.lake, changing.dataset, [TUESDAY])
    assert (report.version, report.reason) == (2, "the file of the published version is gone, so every date is built anew")
    record = current_version(changing.lake, changing.dataset)
    assert record is not None
    assert record.days == before.days
    assert contents(published) == rows


def test_a_red_test_publishes_nothing_and_says_which(changing: Built) -> None:
    path = published_path(changing.lake, changing.dataset)
    assert path is not None
    before = path.read_bytes()
    # Clean that contradicts its own books: the account says that one row more was kept.
    commit_day(changing.lake, TUESDAY, read_events("events.jsonl")[TUESDAY][:-1])
    for account in (changing.folder / "ops" / "grains" / "workspace_audit" / str(TUESDAY)).glob("*.json"):
        told = msgspec.json.decode(account.read_bytes())
        told["parts"][0]["books"]["kept"] += 1
        account.write_bytes(msgspec.json.encode(told))
    with pytest.raises(MartsRefusedError) as caught:
        publish_marts(changing.lake, changing.dataset)
    error = caught.value
    assert isinstance(error, AuditError)
    red = {t.name: t for t in error.tests if t.status == "fail"}
    assert "audit_hourly_activity_books_close" in red
    test = red["audit_hourly_activity_books_close"]
    assert (test.model, test.failures) == ("audit_hourly_activity", 1)
    assert "audit_hourly_activity_books_close of audit_hourly_activity: 1 rows failed it" in str(error)
    assert test.compiled is not None
    assert test.compiled in str(error)
    assert "lake" in Path(test.compiled).read_text()
    assert path.read_bytes() == before
    record = current_version(changing.lake, changing.dataset)
    assert record is not None
    assert record.number == 1


def test_another_collector_builds_every_date_anew(changing: Built) -> None:
    lake = changing.lake.with_settings(LakeSettings(datasets={"workspace_audit": DatasetSettings()}))
    report = publish_marts(lake, changing.dataset)
    assert "a setting that they are told changed" in report.reason
    assert len(report.days) == 4
    path = published_path(lake, changing.dataset)
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as con:
        top = "SELECT * EXCLUDE (includes_collector) FROM audit_top_users WHERE includes_collector = ? ORDER BY ALL"
        assert con.execute(top, [True]).fetchall() == con.execute(top, [False]).fetchall()
        assert con.execute("SELECT count(*) FROM audit_app_inventory WHERE is_collector").fetchall() == [(0,)]
