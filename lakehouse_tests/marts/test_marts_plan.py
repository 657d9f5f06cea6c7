"""What a build has to do, for every way in which the published version and clean can differ."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from lakehouse.landing.manifest import Window
from lakehouse.marts.plan import Asked, Plan, plan_build, recipe
from lakehouse.marts.records import BuiltDay, VersionRecord
from lakehouse.marts.specs import MartSpec
from lakehouse.tables.records import Build
from lakehouse.tables.views import CleanVersion

FIRST = dt.date(2026, 3, 2)
DAY = dt.timedelta(days=1)


def spec(name: str, reach: str, *sources: str) -> MartSpec:
    return MartSpec(
        name=name, dataset="d", area="usage", description="", columns=(), grain=(), reach=reach, accounts=False, source_predicate=None,
        derives_from=None, explain=None, explain_counts=None, explain_quarantine=None, explain_quarantine_counts=None, questions=(), tests=(),
        depends_on=(), sources=sources,
    )  # fmt: skip


SPECS = (
    spec("daily", "day", "clean"),
    spec("window", "0..+1 days"),
    spec("volumes", "0..+1 days", "coverage"),
    spec("first_use", "all"),
    spec("gaps", "all", "coverage"),
    spec("totals", "published"),
)


def day(number: int) -> dt.date:
    return FIRST + number * DAY


def clean(prints: dict[int, int], *, incomplete: tuple[int, ...] = (), empty: tuple[int, ...] = ()) -> CleanVersion:
    """Clean whose day n has fingerprint prints[n]."""
    builds = {day(n): Build("d", day(n), p, n not in incomplete, 0, 1, ()) for n, p in prints.items()}
    by_day = {day(n): (f"{n}.parquet",) for n in prints if n not in empty}
    return CleanVersion(1, tuple(f for files in by_day.values() for f in files), by_day, builds)


def published(prints: dict[int, int], *, as_of: int, coverage: dict[str, tuple[Window, ...]] | None = None, recipe: str = "r") -> VersionRecord:
    return VersionRecord(
        number=1, dataset="d", built_at=dt.datetime(2026, 3, 2, tzinfo=dt.UTC), clean_version=1,
        days={day(n): BuiltDay(p, 10, ()) for n, p in prints.items()}, coverage=coverage or {}, as_of=day(as_of), models={}, rows={}, recipe=recipe,
        variables={}, file="f", reason="", seconds=0.0, software={},
    )  # fmt: skip


def plan(current: VersionRecord | None, now: CleanVersion, asked: Asked | None = None, coverage: dict[str, tuple[Window, ...]] | None = None) -> Plan:
    return plan_build(SPECS, current, now, coverage or {}, recipe_now="r", asked=asked or Asked())


def hours(first: int, last: int) -> tuple[Window, ...]:
    start = dt.datetime.combine(FIRST, dt.time(), dt.UTC)
    return (Window(start + dt.timedelta(hours=first), start + dt.timedelta(hours=last)),)


def test_the_first_build_takes_every_day() -> None:
    found = plan(None, clean({0: 1, 1: 2, 2: 3}))
    assert found.fresh
    assert found.days == {day(0): 1, day(1): 2, day(2): 3}
    assert found.dates["window"] == (day(0), day(1), day(2))
    assert found.whole == ("first_use", "gaps", "totals")


def test_nothing_differs_nothing_is_built() -> None:
    assert plan(published({0: 1, 1: 2}, as_of=1), clean({0: 1, 1: 2})).nothing


def test_a_changed_day_takes_what_it_reaches_and_what_looks_at_all_days() -> None:
    found = plan(published({0: 1, 1: 2, 2: 3}, as_of=2), clean({0: 1, 1: 9, 2: 3}))
    assert not found.fresh
    assert (found.changed, found.dates["daily"], found.dates["window"]) == ((day(1),), (day(1),), (day(1), day(2)))
    assert found.whole == ("first_use", "gaps", "totals")
    assert found.reason == f"1 clean day changed: {day(1)}"


def test_the_day_that_is_not_over_touches_totals_and_nothing_else_that_looks_at_all_days() -> None:
    found = plan(published({0: 1, 1: 2}, as_of=0), clean({0: 1, 1: 3}, incomplete=(1,)))
    assert found.dates["daily"] == (day(1),)
    assert found.whole == ("totals",)
    assert found.as_of == day(0)


@pytest.mark.parametrize("over", ["complete", "followed by another day"])
def test_once_a_day_is_over_what_looks_at_all_days_is_built(over: str) -> None:
    now = clean({0: 1, 1: 3}) if over == "complete" else clean({0: 1, 1: 2, 2: 5}, incomplete=(1, 2))
    found = plan(published({0: 1, 1: 2}, as_of=0), now)
    assert found.as_of == day(1)
    assert found.whole == ("first_use", "gaps", "totals")


def test_a_day_without_rows_does_not_move_the_end_of_windows() -> None:
    found = plan(None, clean({0: 1, 9: 2}, empty=(9,)))
    assert found.as_of == day(0)
    assert found.dates["daily"] == (day(0), day(9))
    assert found.dates["window"] == (day(0), day(9))


def test_a_day_that_is_gone_from_clean_is_taken_out() -> None:
    found = plan(published({0: 1, 1: 2}, as_of=1), clean({0: 1}))
    assert found.days == {day(0): 1}
    assert found.changed == (day(1),)
    assert found.dates["daily"] == (day(1),)


def test_only_the_days_asked_for_are_looked_at() -> None:
    found = plan(published({0: 1, 1: 2, 2: 3}, as_of=2), clean({0: 7, 1: 8, 2: 3}), Asked({day(1), day(2)}))
    assert found.changed == (day(1),)
    assert found.days == {day(0): 1, day(1): 8, day(2): 3}


def test_force_builds_days_that_do_not_differ() -> None:
    current = published({0: 1, 1: 2}, as_of=1)
    one = plan(current, clean({0: 1, 1: 2}), Asked({day(0)}, force=True))
    assert (one.changed, one.reason) == ((day(0),), f"asked for, changed or not: {day(0)}")
    everything = plan(current, clean({0: 1, 1: 2}), Asked(force=True))
    assert (everything.fresh, everything.reason) == (True, "every date was asked for")


def test_another_recipe_builds_every_date_even_when_one_day_was_asked_for() -> None:
    found = plan(published({0: 1, 1: 2}, as_of=1, recipe="older"), clean({0: 1, 1: 2}), Asked({day(0)}))
    assert found.fresh
    assert found.changed == (day(0), day(1))
    assert "the models of the dataset" in found.reason


def test_an_empty_window_that_fills_a_hole_changes_no_clean_day_but_what_looks_at_coverage() -> None:
    current = published({0: 1, 1: 2}, as_of=1, coverage={"login": (*hours(0, 5), *hours(6, 48))})
    found = plan(current, clean({0: 1, 1: 2}), coverage={"login": hours(0, 48)})
    assert found.changed == ()
    assert found.dates == {"volumes": (day(0), day(1))}
    assert found.whole == ("gaps",)
    assert found.reason == f"coverage of {day(0)} changed"


def test_coverage_that_only_grows_at_its_end_is_no_change() -> None:
    current = published({0: 1, 1: 2}, as_of=0, coverage={"login": hours(0, 30)})
    assert plan(current, clean({0: 1, 1: 2}, incomplete=(1,)), coverage={"login": hours(0, 31)}).nothing


PROJECT = {
    "dbt_project.yml": "models:\n  lakehouse:\n    +materialized: incremental\n    plays: {staging: {}}\n    orders: {staging: {}}\n",
    "models/plays/staging/a.sql": "select 1",
    "models/orders/staging/b.sql": "select 1",
    "macros/orders/m.sql": "own",
    "macros/shared.sql": "shared",
    "seeds/orders/s.csv": "a",
}


@pytest.mark.parametrize(
    ("file", "text", "rebuilt"),
    [
        ("models/orders/staging/b.sql", "select 2", {"orders"}),
        ("macros/orders/m.sql", "other", {"orders"}),
        ("seeds/orders/s.csv", "b", {"orders"}),
        ("models/orders/new/c.sql", "select 3", {"orders"}),
        ("macros/shared.sql", "other", {"plays", "orders"}),
        ("tests/generic/t.sql", "other", {"plays", "orders"}),
        ("dbt_project.yml", PROJECT["dbt_project.yml"].replace("orders: {staging", "orders: {marts"), {"orders"}),
        ("dbt_project.yml", PROJECT["dbt_project.yml"].replace("incremental", "table"), {"plays", "orders"}),
        ("models/clicks/staging/d.sql", "select 4", set()),
        ("models/orders/staging/.b.sql.swp", "select 2, as an editor keeps it", set()),
        ("models/orders/staging/_staging.yml", "version: 2", {"orders"}),
    ],
)
def test_a_change_of_the_project_rebuilds_the_marts_that_it_makes(tmp_path: Path, file: str, text: str, rebuilt: set[str]) -> None:
    for name, content in PROJECT.items():
        _write(tmp_path / name, content)
    before = {dataset: recipe(dataset, {}, tmp_path) for dataset in ("plays", "orders")}
    _write(tmp_path / file, text)
    assert {dataset for dataset, was in before.items() if recipe(dataset, {}, tmp_path) != was} == rebuilt


def test_the_recipe_is_of_what_the_models_are_told_too() -> None:
    assert recipe("workspace_audit", {"id": "a"}) == recipe("workspace_audit", {"id": "a"})
    assert len({recipe("workspace_audit", {"id": value}) for value in ("a", "b", None)}) == 3


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def with_dimension(name: str, reach: str, now: dict[str, str]) -> Plan:
    """The plan for a mart that reads the dimension `songs`, of which the published version has read `one`."""
    current = msgspec.structs.replace(published({0: 1, 1: 2}, as_of=1), dimensions={"songs": "one"})
    specs = (*SPECS, spec(name, reach, "songs"))
    return plan_build(specs, current, clean({0: 1, 1: 2}), {}, recipe_now="r", asked=Asked(), dimensions=now)


def test_another_version_of_a_dimension_builds_the_marts_of_all_days() -> None:
    assert with_dimension("match", "all", {"songs": "one"}).nothing
    found = with_dimension("match", "all", {"songs": "two"})
    assert (found.fresh, found.dates, found.changed) == (False, {}, ())
    assert found.whole == ("first_use", "gaps", "totals", "match")
    assert found.reason == "there is another version of songs"


def test_every_date_is_built_anew_where_a_mart_of_days_reads_the_dimension() -> None:
    assert with_dimension("match", "day", {"songs": "one"}).nothing
    found = with_dimension("match", "day", {"songs": "two"})
    assert found.fresh
    assert set(found.dates["match"]) == {day(0), day(1)}
