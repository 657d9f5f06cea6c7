"""Views over committed builds: they say what the table says, also when there is nothing to say."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import duckdb
import pytest
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, event

from lakehouse.accounts.books import Books
from lakehouse.contracts.model import Column
from lakehouse.contracts.quarantine import QUARANTINE
from lakehouse.tables import views

NAMES = ("clean", "quarantine", "books", "fetches", "parts", "coverage", "recovered", "lateness", "filtered", "census", "builds")


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def register(con: Any, made: BuildLake) -> views.CleanVersion:
    return views.register_views(con, made.lake, made.dataset.contract, "lake")


def columns(con: Any, name: str) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE lake.{name}").fetchall()}


def test_an_empty_lake_has_every_view_with_its_columns_and_no_rows(made: BuildLake, con) -> None:
    version = register(con, made)
    assert (version.version, version.files, version.builds) == (-1, (), {})
    for name in NAMES:
        assert con.execute(f"SELECT count(*) FROM lake.{name}").fetchone() == (0,)
    assert list(columns(con, "clean")) == [c.name for c in made.dataset.contract.table_columns]
    assert list(columns(con, "quarantine")) == [c.name for c in QUARANTINE]


def test_columns_have_the_same_types_with_rows_and_without(made: BuildLake, con) -> None:
    register(con, made)
    empty = {name: columns(con, name) for name in NAMES}
    made.land(event(1, 1), b"{")
    made.build()
    made.build(CLOCK.date())
    register(con, made)
    assert {name: columns(con, name) for name in NAMES} == empty


def test_views_show_what_is_committed_and_nothing_else(made: BuildLake, con) -> None:
    made.land(event(1, 1), event(1, 2), event(2, 3, events="x"), event(1, 9, day=BEFORE))
    made.build()
    made.land(event(1, 4))  # landed, not built
    version = register(con, made)
    found = con.execute("SELECT event_date, unique_id, _line FROM lake.clean ORDER BY unique_id").fetchall()
    assert [(d, u) for d, u, _ in found] == [(DAY, "1"), (DAY, "2")]
    assert con.execute("SELECT day, grain, rule, level FROM lake.quarantine").fetchall() == [(DAY, f"{DAY}T02", "changed_type", "row")]
    assert set(version.by_day) == {DAY}
    assert con.execute("SELECT sum(lines), sum(kept), sum(quarantined) FROM lake.books").fetchone() == (3, 2, 1)
    assert con.execute("SELECT number, purpose, read, placed FROM lake.fetches ORDER BY number").fetchall() == [(1, "new", 4, 4), (2, "new", 1, 1)]
    assert con.execute("SELECT count(*) FROM lake.coverage").fetchone() == (0,)


def test_the_books_of_the_views_close(made: BuildLake, con) -> None:
    made.land_copies(event(1, 1), event(1, 1) | {"etag": "x"}, event(2, 2), b"{", event(1, 5, events=[]))
    made.cover()
    for day in (DAY, CLOCK.date()):
        made.build(day)
    register(con, made)
    terms = ", ".join(f"sum({t})" for t in Books.__struct_fields__)
    books = Books(*map(int, con.execute(f"SELECT {terms} FROM lake.books").fetchone()))
    assert books.balanced()
    assert con.execute("SELECT count(*) FROM lake.clean").fetchone() == (books.kept,)
    assert con.execute("SELECT count(*) FROM lake.quarantine").fetchone() == (books.quarantined + books.unreadable,)
    assert con.execute("SELECT sum(rows) FROM lake.lateness").fetchone() == (books.kept,)
    assert con.execute("SELECT sum(kept), sum(duplicates), sum(quarantined) FROM lake.builds").fetchone() == (2, 1, 2)
    start, end = con.execute('SELECT start, "end" FROM lake.coverage').fetchone()
    assert (start.date(), end - start) == (DAY, dt.timedelta(days=1))


def test_the_census_names_what_was_there(made: BuildLake, con) -> None:
    made.land(event(1, 1, shard=7), event(2, 2))
    made.build()
    register(con, made)
    found = con.execute("SELECT path, kind, declared, count FROM lake.census WHERE path IN ('shard', 'id.time', 'events[].name')").fetchall()
    assert sorted(found) == [("events[].name", "string", True, 2), ("id.time", "string", True, 2), ("shard", "number", False, 1)]


def test_a_version_stays_as_it_was_seen(made: BuildLake, con) -> None:
    made.land(event(1, 1))
    made.build()
    register(con, made)
    made.land(event(1, 2))
    made.build()
    assert con.execute("SELECT count(*) FROM lake.clean").fetchone() == (1,)
    register(con, made)
    assert con.execute("SELECT count(*) FROM lake.clean").fetchone() == (2,)


def test_times_and_nested_columns_keep_their_types(made: BuildLake, con) -> None:
    scope = {"name": "scope_data", "multiMessageValue": [{"parameter": [{"name": "scope_name", "value": "openid"}]}]}
    made.land(event(1, 1, events=[{"name": "authorize", "parameters": [scope]}]))
    made.build()
    register(con, made)
    types = columns(con, "clean")
    assert (types["event_time"], types["event_date"]) == ("TIMESTAMP WITH TIME ZONE", "DATE")
    assert types["scope_data"].replace('"', "") == "STRUCT(scope VARCHAR, product_buckets VARCHAR[])[]"
    assert con.execute("SELECT scope_data[1].scope, event_time FROM lake.clean").fetchone() == (
        "openid",
        dt.datetime(2026, 11, 17, 1, 1, tzinfo=dt.UTC),
    )


def test_files_of_an_older_contract_lack_the_new_column_and_are_read(made: BuildLake, con) -> None:
    made.land(event(1, 1), event(2, 2))
    made.build()
    contract = replace(made.dataset.contract, columns=(*made.dataset.contract.columns, Column("added", "int64", "")), version=2)
    views.register_views(con, made.lake, contract, "lake")
    assert con.execute("SELECT unique_id, added FROM lake.clean ORDER BY 1").fetchall() == [("1", None), ("2", None)]
    assert con.execute(
        "SELECT count(*) FROM lake.clean WHERE event_date = DATE '2026-11-17' AND event_time < TIMESTAMPTZ '2026-11-17 01:30Z'"
    ).fetchone() == (1,)


@pytest.mark.parametrize("name", ["quo'te", "brack[e]t", "sta*r", "que?ry"])
def test_a_lake_in_a_folder_with_signs_is_read(made: BuildLake, con, tmp_path, name: str) -> None:
    other = BuildLake.make(tmp_path / name)
    other.land(event(1, 1), event(1, 2, events="x"))
    other.build()
    register(con, other)
    assert con.execute("SELECT count(*) FROM lake.clean").fetchone() == (1,)
    assert con.execute("SELECT count(*) FROM lake.quarantine").fetchone() == (1,)
