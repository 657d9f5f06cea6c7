"""Real clicks and a real access log: every figure that was computed beforehand, with other tools, comes out of the published marts."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from clickstream_lakes import ClickLake
from dataset_lakes import KEY, REAL, assert_closed_and_settled, files_of

from lakehouse.accounts.books import FetchBooks
from lakehouse.datasets.clickstream.feeds import agents
from lakehouse.datasets.user_agents import RULES
from lakehouse.operations.reconciliation import reconcile

GLOBO, LOG = REAL / "clickstream" / "globo", REAL / "clickstream" / "apache_access_first5000.log.gz"
AGENTS = REAL / "clickstream" / "user_agents_20000.csv.gz"
COUNTED = "202610"  # the patterns that the numbers of agents are of
BOOKS = "sum(lines), sum(records), sum(rows_told), sum(bots), sum(filtered), sum(duplicates), sum(kept)"
pytestmark = pytest.mark.skipif(not GLOBO.is_dir(), reason=f"no recorded clicks at {GLOBO}")


@pytest.fixture(autouse=True)
def key(token_key: str) -> None:
    """The token key."""


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REAL / "EXPECTED.json").read_bytes())["clickstream_globo_hours_000_335"]
    return found


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> ClickLake:
    """All recorded clicks, published."""
    return published(tmp_path_factory.mktemp("globo") / "lake", GLOBO, dt.date(2017, 10, 1))


@pytest.fixture(scope="module")
def marts(clicks: ClickLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of all recorded clicks."""
    with clicks.marts() as con:
        yield con


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> ClickLake:
    """The access log, published; not to be changed."""
    return published(tmp_path_factory.mktemp("log") / "lake", LOG, dt.date(2015, 5, 1))


def published(folder: Path, files: Path, first_day: dt.date) -> ClickLake:
    """A lake of these files, built and published."""
    made = ClickLake.make(folder, first_day)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", KEY)
        made.ingest(files)
        assert made.build().balanced()
        made.publish()
    return made


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
def test_the_books_of_the_clicks_close_and_the_same_files_again_change_nothing(clicks: ClickLake) -> None:
    assert_closed_and_settled(clicks, GLOBO)


@pytest.mark.slow
def test_hours_in_any_order_and_any_groups_are_the_same_table(clicks: ClickLake, tmp_path: Path) -> None:
    parts = ClickLake.make(tmp_path / "parts", dt.date(2017, 10, 1)).fill_in_any_order(files_of(GLOBO), seed=1, largest=60)
    assert reconcile(parts.lake, parts.dataset).fetch == reconcile(clicks.lake, clicks.dataset).fetch
    assert parts.books() == clicks.books()
    assert parts.content_of_many() == clicks.content_of_many()


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


def told_of_the_log(held: ClickLake) -> dict[str, Any]:
    """The books of the access log as the marts have them, and how many requests and events they tell of."""
    with held.marts() as con:
        return {
            "books": con.execute(f"SELECT {BOOKS} FROM clickstream_duplicates WHERE feed = 'access_log'").fetchall()[0],
            "traffic": con.execute("SELECT sum(requests) FROM clickstream_traffic").fetchall()[0][0],
            "events": con.execute("SELECT sum(events) FROM clickstream_daily_events WHERE feed = 'access_log'").fetchall()[0][0],
        }


@pytest.mark.slow
def test_the_marts_tell_of_every_line_of_the_access_log(log: ClickLake) -> None:
    assert told_of_the_log(log) == {"books": (5_000, 5_000, 5_000, 1_313, 1_313, 0, 3_687), "traffic": 3_687, "events": 3_687}
    statuses = dict(log.rows().group_by("status").len().iter_rows())
    with log.marts() as con:
        assert dict(con.execute("SELECT status, sum(requests)::int FROM clickstream_traffic GROUP BY ALL").fetchall()) == statuses
    assert_closed_and_settled(log, LOG)


@pytest.mark.slow
def test_the_access_log_under_another_name_is_duplicates_in_the_marts_and_no_traffic(log: ClickLake, tmp_path: Path) -> None:
    shutil.copytree(log.folder, tmp_path / "lake", copy_function=shutil.copy2)
    twice = ClickLake.make(tmp_path / "lake", dt.date(2015, 5, 1))
    shutil.copyfile(LOG, tmp_path / "again.log.gz")
    twice.ingest(tmp_path / "again.log.gz")
    twice.build()
    twice.publish()
    assert told_of_the_log(twice) == {"books": (10_000, 10_000, 10_000, 2_626, 2_626, 3_687, 3_687), "traffic": 3_687, "events": 3_687}


@pytest.mark.slow
def test_the_marts_tell_how_many_of_twenty_thousand_agents_are_unknown_and_which(tmp_path: Path) -> None:
    """What is known grows with the library's patterns: the wanted numbers are what it says of each text, and those of the patterns of one date."""
    texts = gzip.decompress(AGENTS.read_bytes()).decode("utf-8-sig").splitlines()
    event = {"event_type": "page_view", "user_id": "u", "session_id": "s", "timestamp": "2026-11-17T12:00:00Z"}
    (tmp_path / "agents.jsonl").write_text("".join(json.dumps({**event, "event_id": str(n), "user_agent": t}) + "\n" for n, t in enumerate(texts)))
    made = published(tmp_path / "lake", tmp_path / "agents.jsonl", dt.date(2026, 11, 1))
    people = agents(pl.Series(texts)).filter(~pl.col("is_bot"))
    unknown = people.filter(~pl.col("agent_is_parsed"))["user_agent"]
    with made.marts() as con:
        counts = con.execute("SELECT events, agents, unparsed_events, unparsed_agents FROM clickstream_agents").fetchall()
        named = con.execute("SELECT user_agent, events FROM clickstream_unparsed_agents").fetchall()
        books = con.execute(f"SELECT {BOOKS} FROM clickstream_duplicates").fetchall()
    bots = len(texts) - people.height
    assert counts == [(people.height, people["user_agent"].n_unique(), unknown.len(), unknown.n_unique())]
    assert dict(named) == Counter(unknown)
    assert books == [(20_000, 20_000, 20_000, bots, bots, 0, people.height)]
    if version(RULES) == COUNTED:
        assert (bots, unknown.len()) == (1_173, 217)
