"""What the published marts say: of the sample, what the truth says; of the recorded month, the figures that came with it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from dataset_lakes import KEY, REAL, DatasetLake, assert_closed_and_settled, assert_explained, files_of, only
from listening_lakes import make_listening
from shown_lakes import assert_assets_have_their_charts, assert_page_has_every_section, assert_row_leads_to_lines_of_files

from lakehouse.accounts.truth import SampleTruth
from lakehouse.marts.publish import current_version
from lakehouse.marts.specs import MartSpec, mart_specs
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.steps.publish import publish_marts, unpublished_days

SPECS = mart_specs("listening")
LOG = REAL / "listening"
REAL_START, REAL_CLOCK = dt.date(2018, 11, 1), dt.datetime(2018, 12, 10, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def marts(built: DatasetLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published marts of the sample."""
    with built.marts() as con:
        yield con


@pytest.fixture(scope="module")
def clean(built: DatasetLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """Clean and quarantine of the sample."""
    with built.views() as con:
        yield con


def test_the_overview_says_what_the_truth_says(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    told, facts = only(marts, "SELECT * FROM listening_overview"), truth.facts
    assert told["mart_date"] == dt.date(2026, 3, 1)
    same = (
        "events",
        "plays",
        "paid_plays",
        "users",
        "users_with_plays",
        "users_two_levels",
        "level_switches",
        "sessions",
        "song_artist_pairs",
        "files",
    )
    assert {name: told[name] for name in same} == {name: facts[name] for name in same}
    assert told["seconds"] == pytest.approx(facts["seconds"], rel=1e-9)
    assert (told["logged_out_events"], told["double_encoded_events"]) == (facts["logged_out"], facts["double_encoded"])


def test_the_songs_at_the_top_are_those_of_the_truth(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    found = marts.execute("SELECT song, artist, plays FROM listening_top_songs ORDER BY rank_by_plays LIMIT 10").fetchall()
    assert [list(row) for row in found] == truth.facts["top_songs"]


def test_weeks_are_made_of_days_and_count_a_user_once(marts: duckdb.DuckDBPyConnection, clean: duckdb.DuckDBPyConnection) -> None:
    for column, dimension in {"user_id": "user", "artist": "artist", "level": "level", "location": "location"}.items():
        wanted = clean.execute(
            f"SELECT {column}, count(*), count(*) FILTER (page = 'NextSong'), count(DISTINCT user_id) FROM lake.clean GROUP BY ALL ORDER BY 1"
        ).fetchall()
        found = marts.execute("SELECT value, events, plays, users FROM listening_weekly WHERE dimension = ? ORDER BY 1", [dimension]).fetchall()
        assert found == wanted  # the sample lies in one week
    assert marts.execute("SELECT DISTINCT mart_date FROM listening_weekly").fetchall() == [(dt.date(2026, 3, 2),)]


DIMENSIONS = {"user": ["user_id"], "song": ["song", "artist"], "artist": ["artist"], "level": ["level"], "location": ["location"]}


def assert_counted(made: DatasetLake) -> None:
    """Every number of the hours, days and weeks, by each dimension, is what Polars counts in the clean table."""
    rows = made.rows().with_columns(is_play=pl.col("page") == "NextSong")
    periods = (("listening_hourly", "hour_start", "1h"), ("listening_daily", "mart_date", "1d"), ("listening_weekly", "mart_date", "1w"))
    with made.marts() as con:
        for mart, column, length in periods:
            assert_agrees(con, mart, column, rows.with_columns(period=pl.col("event_time").dt.truncate(length)))


def assert_agrees(con: duckdb.DuckDBPyConnection, mart: str, column: str, rows: pl.DataFrame) -> None:
    for dimension, names in DIMENSIONS.items():
        counted = rows.group_by(pl.col("period").dt.epoch("s").cast(pl.Float64), *names).agg(
            events=pl.len(),
            plays=pl.col("is_play").sum(),
            users=pl.col("user_id").drop_nulls().n_unique(),
            seconds=pl.col("length").filter("is_play").sum(),
        )
        values = "value, artist" if dimension == "song" else "value"
        told = con.execute(f"SELECT epoch({column}), {values}, events, plays, users, seconds FROM {mart} WHERE dimension = ?", [dimension]).fetchall()
        wanted = {row[:-1]: row[-1] for row in counted.iter_rows()}
        assert {row[:-1] for row in told} == set(wanted)
        assert {row[:-1]: row[-1] for row in told} == pytest.approx(wanted, rel=1e-9)


def test_hours_days_and_weeks_are_counted_from_the_clean_rows(built: DatasetLake) -> None:
    assert_counted(built)


def test_hours_add_up_to_days(marts: duckdb.DuckDBPyConnection) -> None:
    sums = "SELECT mart_date, dimension, value, artist, sum(events), sum(plays) FROM {} GROUP BY ALL ORDER BY ALL"
    assert marts.execute(sums.format("listening_hourly")).fetchall() == marts.execute(sums.format("listening_daily")).fetchall()


def test_the_rules_are_those_of_the_truth(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    refused = "SELECT rule, sum(records) FROM listening_quality_rules WHERE outcome = 'refused' GROUP BY ALL ORDER BY 1"
    assert dict(marts.execute(refused).fetchall()) == truth.total.rules
    noted = "SELECT sum(records) FROM listening_quality_rules WHERE outcome = 'noted' AND rule = 'double_encoded'"
    assert marts.execute(noted).fetchall() == marts.execute("SELECT sum(events) FROM listening_double_encoded").fetchall()


def test_the_books_of_all_files_are_those_of_the_truth(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    names = {"lines": "lines", "unreadable": "unreadable", "records": "records", "rows_told": "rows", "duplicates": "duplicate", "kept": "kept"}
    told = only(marts, f"SELECT {', '.join(f'sum({name}) AS {name}' for name in names)} FROM listening_quality_files")
    assert told == {name: getattr(truth.total.books, term) for name, term in names.items()}


def test_the_books_of_a_file_say_its_name(marts: duckdb.DuckDBPyConnection, sample: Path) -> None:
    events = {path for path in files_of(sample / "first", sample / "late") if "song_data" not in path.parts}
    told = {name for (name,) in marts.execute("SELECT DISTINCT file FROM listening_quality_files").fetchall()}
    assert {Path(name).name for name in told} == {path.name for path in events}
    assert all(any(str(path).endswith(name) for path in events) for name in told), "a path below the folder, and no more of the machine"


def test_the_catalogue_is_matched_by_title_and_artist(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    told = dict(marts.execute("SELECT match, count(*) FROM listening_catalogue_match GROUP BY ALL").fetchall())
    assert told["matched"] + told["catalogue_only"] == truth.facts["catalogue"]["kept"]
    damaged = "SELECT count(*) FROM listening_catalogue_match WHERE match = 'matched' AND song IN (SELECT text FROM listening_double_encoded)"
    assert marts.execute(damaged).fetchall() == [(0,)]


@pytest.mark.parametrize("spec", [s for s in SPECS if s.explain_counts], ids=lambda s: s.name)
def test_every_row_is_explained_by_as_many_clean_rows_as_it_counts(spec: MartSpec, built, marts, clean) -> None:
    assert spec.explain is not None
    assert_explained(spec, built, marts, clean, "USING SAMPLE 40 ROWS (reservoir, 1)")


@pytest.mark.parametrize("question", [q for s in SPECS for q in s.questions], ids=lambda q: q.ask)
def test_every_question_is_answered(question: Any, marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(question.sql).fetchall()


@pytest.mark.parametrize(("mart", "where"), [("listening_top_songs", ()), ("listening_level_switches", ())])
def test_a_row_leads_to_the_lines_of_the_files(mart: str, where: tuple[str, ...], built: DatasetLake) -> None:
    assert_row_leads_to_lines_of_files(built, mart, *where)


def test_the_page_and_the_assets_show_every_picture(built: DatasetLake) -> None:
    assert_page_has_every_section(built)
    assert_assets_have_their_charts(built)


def test_another_catalogue_makes_the_marts_due_and_leaves_the_days_alone(built: DatasetLake, tmp_path: Path) -> None:
    made = make_listening(tmp_path / "lake")
    files = tmp_path / "files"
    event = {
        "ts": 1772445600000,
        "userId": "1",
        "sessionId": 1,
        "itemInSession": 0,
        "page": "NextSong",
        "level": "free",
        "song": "Moon",
        "artist": "Sun",
    }
    for name, record in {"log.json": event, "song_data/a.json": {"song_id": "S1", "title": "Sea", "artist_name": "Sun"}}.items():
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_text(json.dumps(record))
    made.ingest(files)
    made.build()
    first = publish_marts(made.lake, made.dataset)
    assert (first.version, unpublished_days(made.lake, made.dataset)) == (1, [])
    (files / "song_data/b.json").write_text(json.dumps({"song_id": "S2", "title": "Moon", "artist_name": "Sun", "year": 0}))
    made.ingest(files)
    assert unpublished_days(made.lake, made.dataset) == [dt.date(2026, 3, 2)]
    second = publish_marts(made.lake, made.dataset)
    assert second.reason == "there is another version of songs"
    assert all(dates == () for dates in second.rebuilt.values())
    assert "listening_catalogue_match" in second.rebuilt
    with made.marts() as con:
        found = con.execute("SELECT song, match, year, plays FROM listening_catalogue_match ORDER BY song").fetchall()
    assert found == [("Moon", "matched", None, 1), ("Sea", "catalogue_only", None, 0)]
    version = current_version(made.lake, made.dataset)
    assert version is not None
    assert set(version.dimensions) == {"songs"}
    assert publish_marts(made.lake, made.dataset).skipped


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> DatasetLake:
    """The recorded month and its catalogue, published."""
    if not LOG.is_dir():
        pytest.skip(f"no recorded plays at {LOG}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        made = make_listening(tmp_path_factory.mktemp("real") / "lake", REAL_START, REAL_CLOCK)
        made.ingest(LOG)
        made.build()
        publish_marts(made.lake, made.dataset)
    return made


@pytest.mark.slow
def test_every_figure_of_the_recorded_month_comes_out(real: DatasetLake) -> None:
    wanted = json.loads((REAL / "EXPECTED.json").read_bytes())["listening_sparkify"]
    with real.marts() as con:
        told = only(con, "SELECT * FROM listening_overview")
        names = {
            "rows": "events", "nextsong": "plays", "users_nonempty": "users", "users_with_plays": "users_with_plays", "sessions": "sessions",
            "distinct_song_artist": "song_artist_pairs", "paid_plays": "paid_plays", "days": "files", "users_two_levels": "users_two_levels",
            "level_switch_events": "level_switches",
        }  # fmt: skip
        assert {theirs: told[ours] for theirs, ours in names.items()} == {name: wanted[name] for name in names}
        assert told["days"] == wanted["days"]
        assert told["seconds"] == pytest.approx(wanted["sum_length"], rel=1e-9)
        assert told["double_encoded_events"] == 326
        top = con.execute("SELECT song, artist, plays FROM listening_top_songs ORDER BY rank_by_plays LIMIT 3").fetchall()
        assert [list(row) for row in top] == wanted["top_song"]
        assert only(con, "SELECT count(*) AS n, count(DISTINCT user_id) AS users FROM listening_level_switches") == {"n": 9, "users": 8}
        assert dict(con.execute("SELECT match, count(*) FROM listening_catalogue_match GROUP BY ALL").fetchall())["matched"] == 1
        totals = con.execute("SELECT dimension, sum(events), sum(plays) FROM listening_weekly GROUP BY ALL").fetchall()
        assert {total for _, *total in map(tuple, totals) for total in [tuple(total)]} == {(wanted["rows"], wanted["nextsong"])}


@pytest.mark.slow
def test_the_hours_days_and_weeks_of_the_recorded_month_are_counted_from_its_clean_rows(real: DatasetLake) -> None:
    assert_counted(real)


@pytest.mark.slow
def test_the_books_of_the_recorded_month_close_and_the_same_files_again_change_nothing(real: DatasetLake) -> None:
    assert_closed_and_settled(real, LOG)


@pytest.mark.slow
def test_the_recorded_files_in_any_order_and_any_groups_are_the_same_table(real: DatasetLake, tmp_path: Path) -> None:
    other = make_listening(tmp_path / "other", REAL_START, REAL_CLOCK).fill_in_any_order(files_of(LOG), seed=3)
    assert other.books() == real.books()
    assert other.content() == real.content()
