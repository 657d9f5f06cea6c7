"""Building a day: the same inputs once, changed inputs again, and a crash at any moment costs nothing but time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, check_lake, event, line

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger, manifest_path
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.redrive import land_redrive
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.steps.build import stale_days
from lakehouse.tables import builds
from lakehouse.tables.views import clean_version

LANDED = CLOCK.date()


def rebuilt(report) -> list[str]:
    return [ref.grain for ref in report.rebuilt]


# --- what is built ----------------------------------------------------------------------------------------------------


def test_a_day_is_built_once(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 2), event(23, 3))
    first = made.build()
    assert rebuilt(first) == [f"{DAY}T01", f"{DAY}T23"]
    assert (first.committed, first.reused, first.previous) == (True, 0, None)
    assert first.books == Books(lines=3, records=3, rows=3, kept=3)
    second = made.build()
    assert (second.committed, second.rebuilt, second.reused, second.previous) == (False, (), 2, first.build)
    assert second.books == first.books
    check_lake(made, [(1, 1), (1, 2), (23, 3)])


def test_late_lines_rebuild_their_hour_only(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2))
    made.build()
    made.land(event(2, 4), clock=CLOCK + dt.timedelta(days=1))
    assert [(d.day, d.touched, d.seen) for d in stale_days(made.lake, made.dataset)] == [(DAY, 2, 1)]
    report = made.build()
    assert rebuilt(report) == [f"{DAY}T02"]
    assert stale_days(made.lake, made.dataset) == []
    check_lake(made, [(1, 1), (2, 2), (2, 4)])


def test_a_line_that_was_in_the_future_when_it_was_read_is_called_so_though_its_fetch_took_longer(made: BuildLake) -> None:
    times = {1: "2026-11-19T12:06:00Z", 2: "2026-11-09T23:59:59Z"}  # the lake starts on the 10th
    records = (event(1, n, id={"time": t, "uniqueQualifier": str(n), "applicationName": "token", "customerId": "C0"}) for n, t in times.items())
    manifest = made.land(*records)
    assert manifest.books.unplaced == 2
    file = made.folder / manifest_path("workspace_audit", manifest.number)
    took = msgspec.structs.replace(manifest, landed_at=CLOCK + dt.timedelta(minutes=8))
    file.write_bytes(msgspec.json.encode(took))
    (account,) = made.build(LANDED).accounts.values()
    assert account.quarantine_rules == {"in_future": 1, "before_start": 1}


def test_copies_that_land_in_other_fetches_are_duplicates(made: BuildLake) -> None:
    record = event(1, 1)
    made.land(record, event(1, 2))
    made.land_copies(dict(reversed(record.items())))
    made.land_copies(record | {"etag": '"x/1"'})
    report = made.build()
    assert (report.books.rows, report.books.duplicate, report.books.kept) == (4, 2, 2)
    per_part = {p.part: p.books for a in report.accounts.values() for p in a.parts}
    assert sorted(b.duplicate for b in per_part.values()) == [0, 1, 1]
    assert all(b.balanced() for b in per_part.values())
    check_lake(made, [(1, 1), (1, 2)])


def test_every_fate_is_in_the_books(made: BuildLake) -> None:
    two = event(1, 2, events=[{"name": "a"}, {"name": "b", "parameters": [{"name": "num_response_bytes", "intValue": "-1"}]}])
    made.land(event(1, 1), two, event(1, 3, events="x"), event(1, 4, events=[]), b'{"id":{"time":"2026-11-17T01:00:00Z"}}')
    report = made.build()
    assert report.books == Books(lines=5, records=5, rows=6, quarantined=4, kept=2)
    (account,) = report.accounts.values()
    assert account.quarantine_rules == {"changed_type": 1, "missing_required": 1, "no_rows": 1, "out_of_range": 1}


def test_unplaced_lines_are_a_grain_of_the_day_on_which_they_landed(made: BuildLake) -> None:
    made.land(
        b"{broken", event(1, 1, id={"time": "1999-01-01T00:00:00Z", "uniqueQualifier": "1", "applicationName": "token", "customerId": "C0"}), b" "
    )
    made.land(b"[]", clock=CLOCK + dt.timedelta(days=1))
    report = made.build(LANDED)
    assert rebuilt(report) == [f"unplaced-{LANDED}"]
    assert report.books == Books(lines=3, blank=1, unreadable=1, records=1, rows=1, quarantined=1)
    (account,) = report.accounts.values()
    assert account.quarantine_rules == {"before_start": 1, "unreadable_json": 1}
    assert (account.files, made.files()) == ((), [])
    assert made.build(LANDED + dt.timedelta(days=1)).books.unreadable == 1


def test_a_day_without_a_line_can_be_built(made: BuildLake) -> None:
    made.cover()
    report = made.build()
    assert (report.build.grains, report.build.complete, report.committed) == ((), True, True)
    assert made.build().committed is False
    made.land(event(5, 5))
    assert made.build().committed
    check_lake(made, [(5, 5)])


def test_a_mended_line_takes_the_place_of_the_old_one(made: BuildLake) -> None:
    bad = event(1, 1)
    del bad["id"]["customerId"]
    manifest = made.land(bad, event(1, 2), event(3, 3))
    part = next(p.path for p in manifest.parts if "hour=01" in p.path)
    first = made.build()
    assert first.books.quarantined == 1
    number = next(n for n, text in enumerate(Path(made.folder / part).read_bytes() and _lines(made, part), 1) if b"customerId" not in text)
    mended = event(2, 1)  # it belongs to another hour, too
    land_redrive(made.lake, made.dataset.contract, [(LineRef(part, number), line(mended))])
    assert [d.day for d in stale_days(made.lake, made.dataset)] == [DAY]
    second = made.build()
    assert rebuilt(second) == [f"{DAY}T01", f"{DAY}T02"]
    assert second.books == Books(lines=4, superseded=1, records=3, rows=3, kept=3)
    check_lake(made, [(1, 2), (2, 1), (3, 3)])


def _lines(made: BuildLake, part: str) -> list[bytes]:
    from lakehouse.landing.read import read_part

    return b"".join(read_part(made.lake, part)).splitlines()


def test_a_line_that_was_mended_in_another_day_makes_both_days_stale(made: BuildLake) -> None:
    manifest = made.land(event(1, 1, events=[]), event(1, 2))
    made.build()
    numbers = [n for n, text in enumerate(_lines(made, manifest.parts[0].path), 1) if b'"events":[]' in text]
    land_redrive(made.lake, made.dataset.contract, [(LineRef(manifest.parts[0].path, numbers[0]), line(event(1, 1, day=BEFORE)))])
    assert [d.day for d in stale_days(made.lake, made.dataset)] == [BEFORE, DAY]
    made.build(BEFORE)
    made.build()
    assert stale_days(made.lake, made.dataset) == []
    check_lake(made, [(1, 1), (1, 2)])


# --- complete ---------------------------------------------------------------------------------------------------------


def test_complete_turns_without_a_file_changing(made: BuildLake) -> None:
    made.land(event(1, 1))
    first, before = made.build(), made.files()
    assert (first.build.complete, first.build.holes) == (False, 1)
    made.cover()
    assert [(d.day, d.reason) for d in stale_days(made.lake, made.dataset)] == [(DAY, "coverage is complete now")]
    second = made.build()
    assert (second.build.complete, second.rebuilt, second.committed, made.files()) == (True, (), True, before)
    assert stale_days(made.lake, made.dataset) == []
    assert made.build().committed is False


def test_a_manifest_of_another_day_makes_nothing_stale(made: BuildLake) -> None:
    made.land(event(1, 1))
    made.build()
    made.land(event(1, 9, day=BEFORE))
    assert [d.day for d in stale_days(made.lake, made.dataset)] == [BEFORE]
    assert made.build().committed is False


def test_lines_that_land_while_a_build_runs_are_not_lost(made: BuildLake) -> None:
    """The build reads its list of parts first; what lands then leaves the day stale."""
    made.land(event(1, 1))
    late: list[int] = []

    def progress(_: str) -> None:
        if not late:
            late.append(made.land(event(1, 2)).number)

    report = made.build(progress=progress)
    assert report.build.seen == 1
    assert [(d.day, d.touched, d.seen) for d in stale_days(made.lake, made.dataset)] == [(DAY, 2, 1)]
    made.build()
    check_lake(made, [(1, 1), (1, 2)])


# --- inputs and names -------------------------------------------------------------------------------------------------


def test_a_forced_build_writes_the_same_bytes_under_new_names(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2), event(2, 3), b"{")
    made.build()
    before = {p: (made.folder / "clean/workspace_audit" / p).read_bytes() for p in made.files()}
    report = made.build(force=True)
    after = {p: (made.folder / "clean/workspace_audit" / p).read_bytes() for p in made.files()}
    assert len(report.rebuilt) == 2
    assert sorted(before.values()) == sorted(after.values())
    assert not set(before) & set(after)
    again = made.build()
    assert (again.committed, again.reused) == (False, 2)
    check_lake(made, [(1, 1), (2, 2), (2, 3)])


def test_another_token_key_makes_other_results(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    made.land(event(1, 1))
    first = made.build()
    tokens = made.rows()["actor_email"].to_list()
    monkeypatch.setenv(ENV_TOKEN_KEY, "another key that is long enough")
    second = made.build()
    assert rebuilt(second) == [f"{DAY}T01"]
    assert second.build.grains[0].digest != first.build.grains[0].digest
    assert made.rows()["actor_email"].to_list() != tokens
    check_lake(made, [(1, 1)])


def test_two_lakes_with_the_same_lines_have_the_same_content(made: BuildLake, tmp_path: Path) -> None:
    other = BuildLake.make(tmp_path / "other")
    records = [event(h, n) for h in range(3) for n in range(4)]
    made.land(*records)
    made.build()
    for record in reversed(records):
        other.land(record)
    other.build()
    assert made.content() == other.content()


def test_an_unknown_engine_is_refused(made: BuildLake) -> None:
    with pytest.raises(ConfigurationError, match="engine 'spark'"):
        made.build(engine="spark")


# --- crashes ----------------------------------------------------------------------------------------------------------

POINTS = ("clean.after_files", "clean.after_account", "clean.after_build", "clean.before_commit", "clean.after_commit")


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_loses_nothing_and_doubles_nothing(made: BuildLake, point: str) -> None:
    made.land(event(1, 1), event(2, 2), b"{")
    made.build()
    made.land(event(1, 3), event(2, 2, events=[]), event(4, 4))
    process = made.run("build_day(lake, dataset, DAY)", fail_at=point)
    process.communicate(timeout=120)
    assert process.returncode != 0
    report = made.build()
    assert report.committed is (point != "clean.after_commit")
    assert report.books == Books(lines=5, records=5, rows=5, quarantined=1, kept=4)
    check_lake(made, [(1, 1), (1, 3), (2, 2), (4, 4)])
    assert builds.committed_builds(made.lake, made.dataset.contract)[DAY] == report.build
    assert stale_days(made.lake, made.dataset)[:1] != [DAY]
    again = made.build()
    assert (again.committed, again.rebuilt) == (False, ())
    version = clean_version(made.lake, made.dataset.contract)
    landed = sum(
        p.part.lines for g in load_ledger(made.lake, made.dataset.name).grains(DAY) for p in load_ledger(made.lake, made.dataset.name).parts[g.key]
    )
    accounts = builds.accounts_of(made.lake, version.builds.values())
    assert sum(a.books.lines for (day, _), a in accounts.items() if day == DAY) == landed
    assert {grain for day, grain in accounts if day == DAY} == {Grain(DAY, "hour", h) for h in (1, 2, 4)}
