"""Real clicks and a real access log: every figure that was computed beforehand, with other tools, comes out of the published marts."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from clickstream_lakes import ClickLake
from dataset_lakes import REAL

from lakehouse.accounts.books import FetchBooks

GLOBO, LOG = REAL / "clickstream" / "globo", REAL / "clickstream" / "apache_access_first5000.log.gz"
pytestmark = pytest.mark.skipif(not GLOBO.is_dir(), reason=f"no recorded clicks at {GLOBO}")


@pytest.fixture(autouse=True)
def key(token_key: str) -> None:
    """The token key."""


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REAL / "EXPECTED.json").read_bytes())["clickstream_globo_hours_000_335"]
    return found


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of all recorded clicks."""
    made = ClickLake.make(tmp_path_factory.mktemp("globo") / "lake", dt.date(2017, 10, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", "a key for tests that is long enough")
        made.ingest(GLOBO)
        assert made.build().balanced()
        with made.published() as con:
            yield con


@pytest.mark.slow
def test_clicks_users_sessions_and_articles(marts: duckdb.DuckDBPyConnection, expected: dict[str, Any]) -> None:
    found = {
        "files": len(list(GLOBO.iterdir())),
        "rows": "SELECT sum(events) FROM clickstream_daily_events",
        "users": "SELECT count(DISTINCT user_id) FROM clickstream_user_days",
        "sessions": "SELECT count(*) FROM clickstream_sessions",
        "articles": "SELECT count(DISTINCT page) FROM clickstream_pages",
        "clicks_over_24h_after_session_start": "SELECT sum(events) FROM clickstream_late_clicks",
    }
    told = {name: marts.execute(sql).fetchall()[0][0] if isinstance(sql, str) else sql for name, sql in found.items()}
    assert told == {name: expected[name] for name in told}
    totals = ("rows", "users", "sessions", "articles")
    told_at_once = marts.execute("SELECT events, users, sessions, pages FROM clickstream_totals WHERE feed = 'globo'").fetchall()
    assert told_at_once == [tuple(expected[name] for name in totals)]
    assert marts.execute("SELECT sum(sessions), sum(events) FROM clickstream_daily_sessions").fetchall() == [(expected["sessions"], expected["rows"])]


@pytest.mark.slow
def test_clicks_per_day(marts: duckdb.DuckDBPyConnection, expected: dict[str, Any]) -> None:
    days = marts.execute("SELECT mart_date, sum(events) FROM clickstream_daily_events GROUP BY ALL").fetchall()
    assert {str(day): count for day, count in days} == expected["clicks_per_day_utc"]


@pytest.mark.slow
def test_hours_in_any_order_and_any_groups_are_the_same_table(tmp_path: Path) -> None:
    files = sorted(GLOBO.iterdir())[95:107]  # hour 100 holds a header only
    whole = ClickLake.make(tmp_path / "whole", dt.date(2017, 10, 1))
    read = whole.ingest(*files).books
    whole.build()
    chance = random.Random(7)  # noqa: S311  a shuffle that repeats
    chance.shuffle(files)
    parts, books = ClickLake.make(tmp_path / "parts", dt.date(2017, 10, 1)), FetchBooks()
    while files:
        books = books + parts.ingest(*(files.pop() for _ in range(min(len(files), chance.randint(1, 4)))).books)
        parts.build()
    assert books == read
    assert parts.content() == whole.content()


def test_every_line_of_the_access_log_is_accounted_for(tmp_path: Path) -> None:
    lines = gzip.decompress(LOG.read_bytes()).splitlines()
    made = ClickLake.make(tmp_path / "lake", dt.date(2015, 5, 1))
    assert made.ingest(LOG).books == FetchBooks(read=5_000, placed=5_000)
    books = made.build()
    assert (len(lines), books.lines, books.rows, books.quarantined, books.duplicate) == (5_000, 5_000, 5_000, 0, 0)
    assert (books.filtered, books.kept) == (1_313, 3_687)
    assert books.balanced()
    rows = made.rows()
    assert len(lines) - len(set(lines)) > 0
    # Identical lines are rows of their own: without their numbers some would be lost.
    assert rows["event_id"].n_unique() == rows.height
    assert rows["event_id"].str.replace(r"-\d+$", "").n_unique() < rows.height
    again = tmp_path / "again.log.gz"
    shutil.copyfile(LOG, again)
    again.write_bytes(gzip.compress(gzip.decompress(again.read_bytes()) + b"\n"))
    before = made.content()
    made.ingest(again)
    books = made.build()
    assert (books.kept, books.duplicate, books.filtered) == (3_687, 3_687, 2 * 1_313)
    assert made.content() == before
