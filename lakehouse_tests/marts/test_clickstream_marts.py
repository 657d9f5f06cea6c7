"""What the marts of `clickstream` say of lines written by hand, that every row leads back to clean, and how far a late file reaches."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from clickstream_lakes import DATASET, ClickLake
from dataset_lakes import assert_explained
from shown_lakes import assert_assets_have_their_charts, assert_page_has_every_section, assert_row_leads_to_lines_of_files

from lakehouse.marts.specs import MartSpec, mart_specs

CASES = Path(__file__).parent / "cases"
EXPECTED = json.loads((CASES / "clickstream_expected.json").read_text())
SPECS = mart_specs(DATASET.name)
FILES = ("clickstream_events.jsonl", "clicks_clickstream.csv", "clickstream_access.log")
FIRST = dt.date(2026, 11, 1)


def plain(value: Any) -> Any:
    """A value as the case file writes it."""
    return value.isoformat() if isinstance(value, dt.date) else value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickLake]:
    """The lake of the hand-written lines; not to be changed."""
    made = ClickLake.make(tmp_path_factory.mktemp("clicks") / "lake", FIRST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", "a key for tests that is long enough")
        made.ingest(*(CASES / name for name in FILES))
        made.build()
        made.publish()
        yield made


@pytest.fixture(scope="module")
def marts(made: ClickLake) -> Iterator[duckdb.DuckDBPyConnection]:
    with made.marts() as con:
        yield con


@pytest.mark.parametrize("case", EXPECTED, ids=lambda c: c["name"])
def test_value(case: dict[str, Any], marts: duckdb.DuckDBPyConnection) -> None:
    assert [[plain(v) for v in row] for row in marts.execute(case["sql"]).fetchall()] == case["rows"]


def test_every_mart_has_an_expected_value() -> None:
    text = " ".join(c["sql"] for c in EXPECTED)
    assert [s.name for s in SPECS if f"from {s.name}" not in text] == []


@pytest.fixture(scope="module")
def lake_views(made: ClickLake) -> Iterator[duckdb.DuckDBPyConnection]:
    with made.views() as con:
        yield con


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.name)
def test_every_row_is_explained_by_as_many_rows_as_it_counts(spec: MartSpec, made: ClickLake, marts, lake_views) -> None:
    assert_explained(spec, made, marts, lake_views)


@pytest.mark.parametrize("question", [q for s in SPECS for q in s.questions], ids=lambda q: q.ask)
def test_every_question_is_answered(question, marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(question.sql).fetchall()


@pytest.mark.parametrize(
    ("mart", "where"), [("clickstream_sessions", (f"feed={feed}",)) for feed in ("events", "globo")] + [("clickstream_traffic", ())]
)
def test_a_row_leads_to_the_lines_of_the_files(mart: str, where: tuple[str, ...], made: ClickLake) -> None:
    assert_row_leads_to_lines_of_files(made, mart, *where)


def test_the_page_and_the_assets_show_every_picture(made: ClickLake) -> None:
    assert_page_has_every_section(made)
    assert_assets_have_their_charts(made)


def test_a_late_file_that_tells_of_an_earlier_day_moves_the_session_there(made: ClickLake, tmp_path: Path) -> None:
    """The marts that were built anew for the days that it reaches are those that are built from nothing."""
    shutil.copytree(made.folder, tmp_path / "lake", copy_function=shutil.copy2)
    changed = ClickLake.make(tmp_path / "lake", FIRST)
    early = tmp_path / "late.jsonl"
    line = {"event_id": "0", "user_id": "ada", "timestamp": "2026-11-10T22:00:00Z", "event_type": "page_view", "session_id": "s2"}
    early.write_text(json.dumps(line) + "\n")
    changed.ingest(early)
    changed.build()
    with changed.published() as con:
        moved = con.execute("SELECT mart_date, days, events FROM clickstream_sessions WHERE session_id = 's2'").fetchall()
        patched = everything(con)
        arrived = con.execute("SELECT mart_date, events, late, most_late_seconds FROM clickstream_late_arrivals WHERE late > 0").fetchall()
    # The newest event of its feed that had landed was of the 16th at 9:00: a day before that is what counted as read.
    assert arrived == [(dt.date(2026, 11, 10), 5, 1, (4 * 24 + 11) * 3600)]
    assert moved == [(dt.date(2026, 11, 10), 2, 2)]
    fresh = ClickLake.make(tmp_path / "fresh", FIRST)
    fresh.ingest(*(CASES / name for name in FILES), early)
    fresh.build()
    with fresh.published() as con:
        assert everything(con) == patched


def everything(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all marts, but for when and by how many files they came."""
    found = {}
    for spec in SPECS:
        columns = ", ".join(c.name for c in spec.columns if c.name != "parts" and "landed" not in c.name)
        found[spec.name] = sorted(con.execute(f"SELECT {columns} FROM {spec.name}").fetchall(), key=repr)
    return found
