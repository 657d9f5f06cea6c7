"""The frequent values of a day, counted in its files, are those of its rows; personal ones are never among them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from build_lakes import DAY, BuildLake, event
from file_damage import DAMAGE, Damage

from lakehouse.operations.frequent import SHOWN, frequent_values
from lakehouse.operations.report import ADDRESS, Top, top_columns
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.build import build_day
from lakehouse.tables.committed import DamagedFileError
from lakehouse.tables.records import TableFile


@pytest.fixture
def made(tmp_path: Path, token_key: str) -> BuildLake:
    return BuildLake.make(tmp_path / "lake")


def called(hour: int, number: int, method: str, **more: object) -> dict[str, object]:
    """A call of a method."""
    return event(hour, number, events=[{"name": "activity", "parameters": [{"name": "method_name", "value": method}]}], **more)


def files(report: DayReport) -> list[TableFile]:
    return [file for account in report.accounts.values() for file in account.files]


def tops(made: BuildLake, day: dt.date = DAY) -> dict[str, Top]:
    return {t.column: t for t in frequent_values(made.lake, made.dataset, files(build_day(made.lake, made.dataset, day)))}


def test_values_of_all_hours_are_added_up_and_the_most_frequent_come_first(made: BuildLake) -> None:
    methods = [name for place, name in enumerate("gfedcba") for _ in range(place // 2 + 1)]
    made.land(*(called(n % 3, n, f"api.{name}") for n, name in enumerate(methods)), event(4, 50))
    found = tops(made)
    assert len(files(build_day(made.lake, made.dataset, DAY))) == 4
    # Equal counts are in the order of their names, whichever file tells of them.
    assert found["method_name"].values == (("api.a", 4), ("api.b", 3), ("api.c", 3), ("api.d", 2), ("api.e", 2))
    assert (len(found["method_name"].values), found["method_name"].distinct, found["method_name"].empty) == (SHOWN, 7, 1)
    assert found["application"].values == (("token", len(methods) + 1),)
    assert "login_failure_type" not in found  # no row has one


def test_they_are_the_counts_of_the_rows_of_the_table(made: BuildLake) -> None:
    made.land(*(called(n % 5, n, f"api.{n * n % 11}") for n in range(55)))
    made.land(*(called(n % 5, n, f"api.{n * n % 11}", etag="again") for n in range(30)))  # duplicates count once
    found = tops(made)["method_name"]
    counts = Counter(made.rows()["method_name"].to_list())
    assert dict(found.values) == {name: counts[name] for name, _ in found.values}
    assert sum(n for _, n in found.values) == sum(n for _, n in counts.most_common(SHOWN))


def test_personal_columns_are_left_out_and_addresses_elsewhere_are_not_told(made: BuildLake) -> None:
    assert "actor_email" in top_columns(made.dataset)
    made.land(event(1, 1), called(1, 2, "ada.lovelace@example.com"))
    found = tops(made)
    assert "actor_email" not in found
    assert found["method_name"].values == ((ADDRESS, 1),)
    personal = replace(made.dataset, top_values=("actor_email",))
    assert frequent_values(made.lake, personal, files(build_day(made.lake, made.dataset, DAY))) == ()


@pytest.mark.parametrize(("damage", "said"), DAMAGE, ids=[damage.__name__ for damage, _ in DAMAGE])
def test_a_damaged_file_is_named_with_what_makes_it_anew(made: BuildLake, damage: Damage, said: str) -> None:
    made.land(event(1, 1), event(2, 2))
    found = files(made.build())
    damage(made.folder / found[1].path)
    with pytest.raises(DamagedFileError, match=f"{found[1].path} {said}.*lakehouse replay {DAY} --force"):
        frequent_values(made.lake, made.dataset, found)


def test_a_day_without_rows_has_none(made: BuildLake) -> None:
    made.land(event(1, 1))
    assert tops(made, DAY - dt.timedelta(days=1)) == {}


def test_files_of_a_bucket_say_the_same(made: BuildLake) -> None:
    made.land(event(1, 1), called(2, 2, "api.a"))
    built = files(build_day(made.lake, made.dataset, DAY))
    bucket = replace(made.lake, store=replace(made.lake.store, root=None))
    assert frequent_values(bucket, made.dataset, built) == frequent_values(made.lake, made.dataset, built) != ()
