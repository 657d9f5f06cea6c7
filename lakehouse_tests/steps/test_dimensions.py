"""Dimensions through their files: what a version is made of, what is read again, and what happens when something is in the way."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from file_damage import DAMAGE, Damage

from lakehouse.contracts.model import Column
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import LakeFormatError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.dimensions import add_files
from lakehouse.steps.ingest import BEING_WRITTEN, READ_ALREADY, ingest, waiting_files
from lakehouse.steps.query import connect
from lakehouse.storage.failpoints import ENV_FAIL_POINT
from lakehouse.tables import dimensions
from lakehouse.tables.dimensions import current_dimension, damaged_tables, raw_path, write_version

DATASET = find_dataset("listening")


@pytest.fixture
def lake(tmp_path: Path, token_key: str) -> Lake:
    return open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=dt.datetime(2026, 11, 20, tzinfo=dt.UTC)))


def put(lake: Lake, name: str, *titles: str, age: float = 3600, **more: Any) -> Path:
    """A file of the inbox with a song for each title; its id is the first letter."""
    assert lake.store.root is not None
    path = lake.store.root / "inbox" / "listening" / "song_data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps({"song_id": f"S{title[:1]}", "title": title, **more}) for title in titles))
    then = dt.datetime.now(dt.UTC).timestamp() - age
    os.utime(path, (then, then))
    return path


def songs(lake: Lake) -> dict[str, str]:
    """Id -> title of the current version."""
    version = current_dimension(lake, "listening", "songs")
    assert version is not None
    assert version.books.difference() == 0
    return dict(pl.read_parquet(lake.store.uri(version.table)).select("song_id", "title").iter_rows())


def test_files_of_a_dimension_are_no_events(lake: Lake) -> None:
    put(lake, "a.json", "Alpha", "Beta")
    report = ingest(lake, DATASET)
    assert (report.errors, report.manifests, [v.number for v in report.dimensions]) == ((), (), [1])
    assert load_ledger(lake, "listening").last_number == 0
    assert songs(lake) == {"SA": "Alpha", "SB": "Beta"}


@pytest.mark.parametrize("place", ["song_data", "export/song_data/A", "export/2026/song_data"])
def test_a_folder_of_songs_is_found_wherever_it_is_and_when_it_is_named(lake: Lake, tmp_path: Path, place: str) -> None:
    folder = put(lake, "a.json", "Alpha").parent
    inbox = folder.parent
    if place != "song_data":
        (inbox / place).mkdir(parents=True)
        (folder / "a.json").rename(inbox / place / "a.json")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(inbox / place.partition("/")[0], elsewhere / place.partition("/")[0])
    report = ingest(lake, DATASET)
    assert (report.errors, report.manifests, songs(lake)) == ((), (), {"SA": "Alpha"})
    other = open_lake(tmp_path / "other").with_settings(lake.settings)
    named = ingest(other, DATASET, [str(elsewhere / place.partition("/")[0])])
    assert (named.errors, named.manifests, songs(other)) == ((), (), {"SA": "Alpha"})


def test_a_song_that_is_told_as_an_event_is_refused_with_the_rule(lake: Lake) -> None:
    source = put(lake, "a.json", "Alpha")
    source.rename(source.parent.parent / "a.json")
    report = ingest(lake, DATASET)
    assert report.dimensions == ()
    (stale,) = stale_days(lake, DATASET)
    built = build_day(lake, DATASET, stale.day)
    assert (built.books.quarantined, built.books.kept) == (1, 0)
    assert [dict(a.quarantine_rules) for a in built.accounts.values()] == [{"missing_required": 1}]


def test_an_event_that_is_told_as_a_song_is_refused_with_the_rule(lake: Lake) -> None:
    put(lake, "a.json", "Alpha").write_text('{"ts": 1541121934796, "userId": "8", "page": "Home"}')
    os.utime(put(lake, "b.json", "Beta").with_name("a.json"), (1, 1))
    ingest(lake, DATASET)
    version = current_dimension(lake, "listening", "songs")
    assert version is not None
    assert (version.books.refused, version.rules) == (1, {"null_in_required_column": 1})
    assert songs(lake) == {"SB": "Beta"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_whoever_is_killed_before_a_version_is_there_leaves_none_and_the_next_makes_it_whole(lake: Lake) -> None:
    put(lake, "a.json", "Alpha")
    assert ingest(lake, DATASET).errors == ()
    put(lake, "b.json", "Beta")
    worker = (
        "import sys\nfrom lakehouse.datasets.registry import find_dataset\nfrom lakehouse.settings import open_lake\n"
        "from lakehouse.steps.ingest import ingest\ningest(open_lake(sys.argv[1]), find_dataset('listening'))\n"
    )
    environment = os.environ | {ENV_FAIL_POINT: "dimension.before_version"}
    done = subprocess.run([sys.executable, "-c", worker, str(lake.store.root)], env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert songs(lake) == {"SA": "Alpha"}
    assert ingest(lake, DATASET).errors == ()
    assert songs(lake) == {"SA": "Alpha", "SB": "Beta"}
    assert ingest(lake, DATASET).dimensions == ()


def test_what_was_read_is_not_read_again_and_does_not_wait(lake: Lake) -> None:
    path = put(lake, "a.json", "Alpha")
    assert [f.name for f in waiting_files(lake, DATASET).files] == ["song_data/a.json"]
    ingest(lake, DATASET)
    assert waiting_files(lake, DATASET).files == ()
    os.utime(path, (1, 1))  # written again with the same content
    again = ingest(lake, DATASET)
    assert [o.skipped for o in again.outcomes] == [READ_ALREADY]
    assert waiting_files(lake, DATASET).files == ()
    version = current_dimension(lake, "listening", "songs")
    assert version is not None
    assert version.number == 1


def test_a_file_that_may_still_be_written_waits(lake: Lake) -> None:
    put(lake, "a.json", "Alpha", age=0)
    assert [o.skipped for o in ingest(lake, DATASET).outcomes] == [BEING_WRITTEN]
    assert current_dimension(lake, "listening", "songs") is None


def test_a_file_takes_the_place_of_the_one_of_its_name_and_one_that_is_gone_stays(lake: Lake) -> None:
    put(lake, "a.json", "Alpha", "Beta")
    other = put(lake, "b.json", "Gamma")
    ingest(lake, DATASET)
    put(lake, "a.json", "Aleph", age=1800)
    other.unlink()
    ingest(lake, DATASET)
    assert songs(lake) == {"SA": "Aleph", "SG": "Gamma"}


def test_what_a_person_took_from_the_inbox_under_another_name_is_put_right_by_the_inbox(lake: Lake) -> None:
    """The inbox's own name of a file still says what it said before."""
    put(lake, "../deep/song_data/a.json", "Zulu", "Beta")
    ingest(lake, DATASET)
    file = put(lake, "../deep/song_data/a.json", "Zappa", age=1800)
    ingest(lake, DATASET, [str(file)])
    assert songs(lake) == {"SZ": "Zappa", "SB": "Beta"}
    ingest(lake, DATASET)
    assert songs(lake) == {"SZ": "Zappa"}
    assert {o.skipped for o in ingest(lake, DATASET).outcomes} == {"read already"}


def test_a_file_that_cannot_be_read_does_not_stop_the_others(lake: Lake) -> None:
    put(lake, "a.json", "Alpha")
    put(lake, "b.json.gz", "Beta")  # not packed, though its name says so
    report = ingest(lake, DATASET)
    assert [(o.name, o.error is not None) for o in report.outcomes] == [("song_data/a.json", False), ("song_data/b.json.gz", True)]
    assert songs(lake) == {"SA": "Alpha"}


def test_a_version_that_others_made_first_is_added_to(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, "a.json", "Alpha")
    put(lake, "b.json", "Beta")
    raced: list[int] = []

    def late(*told: Any) -> bool:
        if not raced:
            raced.append(1)
            other = find_dataset("listening").dimensions[0]
            before = [f for f in told[1].files if f.name.endswith("a.json")]
            monkeypatch.setattr("lakehouse.steps.dimensions.write_version", write_version)
            add_files(lake, "listening", other, before)
        return write_version(*told)

    monkeypatch.setattr("lakehouse.steps.dimensions.write_version", late)
    report = ingest(lake, DATASET)
    assert raced
    assert [v.number for v in report.dimensions] == [2]
    assert songs(lake) == {"SA": "Alpha", "SB": "Beta"}


def test_records_that_are_gone_or_damaged_are_named(lake: Lake) -> None:
    path = put(lake, "a.json", "Alpha")
    version = ingest(lake, DATASET).dimensions[0]
    raw = raw_path("listening", "songs", version.files[0].sha256)
    whole = lake.store.read(raw)
    put(lake, "b.json", "Beta")
    for damage in (lambda: lake.store.replace(raw, whole[:-9]), lambda: lake.store.replace(raw, b""), lambda: lake.store.delete(raw)):
        path.unlink(missing_ok=True)
        damage()
        (error,) = [o.error for o in ingest(lake, DATASET).outcomes if o.error is not None]
        assert isinstance(error, LakeFormatError)
        assert "song_data/a.json" in str(error)
    put(lake, "a.json", "Alpha")  # what the error says: ingest it again
    assert ingest(lake, DATASET).errors == ()
    assert songs(lake) == {"SA": "Alpha", "SB": "Beta"}
    assert lake.store.read(raw) == whole


def test_records_that_are_gone_are_kept_again_as_soon_as_their_file_is_there(lake: Lake) -> None:
    put(lake, "a.json", "Alpha")
    version = ingest(lake, DATASET).dimensions[0]
    raw = raw_path("listening", "songs", version.files[0].sha256)
    lake.store.delete(raw)
    assert [f.name for f in waiting_files(lake, DATASET).files] == ["song_data/a.json"]
    assert ingest(lake, DATASET).dimensions == (version,)  # of the same files: it stays
    assert lake.store.exists(raw)
    assert waiting_files(lake, DATASET).files == ()


@pytest.mark.parametrize("table", ["table", "aside"])
@pytest.mark.parametrize("at_hand", [True, False], ids=["with its files", "without"])
@pytest.mark.parametrize(("damage", "told"), DAMAGE, ids=[d.__name__ for d, _ in DAMAGE])
def test_a_table_that_is_damaged_is_made_anew_by_the_next_ingest(lake: Lake, damage: Damage, told: str, at_hand: bool, table: str) -> None:
    inbox = [put(lake, "a.json", "Alpha", "Beta"), put(lake, "b.json", "Beta", "Gamma")]
    (before,) = ingest(lake, DATASET).dimensions
    damage(Path(lake.store.uri(getattr(before, table))))
    (wrong,) = damaged_tables(lake, before)
    assert (told in str(wrong), str(wrong).endswith("Make it anew: lakehouse ingest listening")) == (True, True)
    for path in inbox if not at_hand else ():
        path.unlink()
    report = ingest(lake, DATASET)
    assert report.errors == ()
    (after,) = report.dimensions
    assert (after.number, after.digest, after.books, after.files) == (2, before.digest, before.books, before.files)
    assert damaged_tables(lake, after) == []
    assert songs(lake) == {"SA": "Alpha", "SB": "Beta", "SG": "Gamma"}
    assert ingest(lake, DATASET).dimensions == ()


def test_a_table_that_cannot_be_made_anew_is_told_and_stops_no_other_file(lake: Lake) -> None:
    path = put(lake, "a.json", "Alpha")
    (version,) = ingest(lake, DATASET).dimensions
    path.unlink()
    lake.store.delete(raw_path("listening", "songs", version.files[0].sha256))
    lake.store.delete(version.table)
    put(lake, "events.json", "Event").rename(path.parent.parent / "events.json")
    report = ingest(lake, DATASET)
    assert len(report.manifests) == 1
    (failed,) = report.errors
    assert (failed.name, "song_data/a.json" in str(failed.error)) == (version.table, True)


def test_a_version_that_lacks_a_column_which_was_declared_since_has_it_without_values(lake: Lake) -> None:
    put(lake, "a.json", "Alpha")
    ingest(lake, DATASET)
    (declared,) = DATASET.dimensions
    grown = replace(DATASET, dimensions=(replace(declared, columns=(*declared.columns, Column("mood", "string", "For tests.", path="mood"))),))
    with connect(lake, [grown]) as con:
        assert con.execute("SELECT song_id, mood FROM clean.listening_songs").fetchall() == [("SA", None)]


def test_an_account_of_a_newer_format_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, "a.json", "Alpha")
    ingest(lake, DATASET)
    monkeypatch.setattr(dimensions, "VERSION_FORMAT", 0)
    with pytest.raises(LakeFormatError, match="newer lakehouse"):
        current_dimension(lake, "listening", "songs")


def test_sql_shows_the_dimension_beside_clean(lake: Lake) -> None:
    dataset: Dataset = DATASET
    with connect(lake, [dataset]) as con:
        assert con.execute("SELECT count(*) FROM clean.listening_songs").fetchall() == [(0,)]
    put(lake, "a.json", "Alpha", year=0)
    ingest(lake, dataset)
    with connect(lake, [dataset]) as con:
        assert con.execute("SELECT song_id, title, year, _file, _line FROM clean.listening_songs").fetchall() == [
            ("SA", "Alpha", 0, "song_data/a.json", 1)
        ]
