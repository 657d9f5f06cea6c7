"""`lakehouse ingest` and what is around it, over datasets of files: from a sample of files to books that agree with its truth."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lakehouse.datasets.model import Dataset
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake


@pytest.fixture
def sample(run: Any, plays: Dataset, tmp_path: Path) -> Path:
    made = run(
        "simulate", "files", "plays", "--to", tmp_path / "sample", "--start", "2026-11-15", "--days", 3, "--events", 60, "--set", "copies=5", "--json"
    )
    assert made.code == 0, made.err
    assert made.json["truth"]["books"]["duplicate"] == 15
    return tmp_path / "sample"


@pytest.fixture
def here(tmp_path: Path, token_key: str) -> tuple[str, Path]:
    clock = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=clock, made=clock))
    return ("--lake", tmp_path / "lake")


def test_files_become_books_that_agree_with_the_truth(run: Any, sample: Path, here: tuple[str, Path]) -> None:
    first = run("ingest", "plays", sample / "first", "--build", "--json", *here)
    assert first.code == 0, first.err
    assert (first.json["ingest"]["files"], first.json["ingest"]["placed"], first.json["ingest"]["unplaced"]) == (3, 75, 3)
    assert [d["day"] for d in first.json["days"]] == ["2026-11-15", "2026-11-16", "2026-11-17", "2026-11-20"]
    late = run("ingest", "plays", sample / "late", "--build", "--json", *here)
    assert [d["day"] for d in late.json["days"]] == ["2026-11-16"]
    compared = run("books", "--truth", sample / "truth.json", "--json", *here)
    assert compared.code == 0, compared.out
    assert [t for t in compared.json["truth"] if t["truth"] != t["lake"]] == []
    again = run("ingest", "plays", sample, "--build", "--json", *here)
    assert again.json["days"] == []


def test_the_inbox_is_the_default_and_what_comes_of_it_is_one_sentence(run: Any, sample: Path, here: tuple[str, Path]) -> None:
    inbox = here[1] / "inbox" / "plays"
    inbox.mkdir(parents=True)
    for file in (sample / "first").iterdir():
        os.utime(file.rename(inbox / file.name), (1_700_000_000, 1_700_000_000))
    shown = run("ingest", "plays", *here)
    assert "3 of 3 files landed: 78 read = 75 placed + 3 unplaced" in shown.out
    assert "3 lines have no place: their time cannot be read, is before" in shown.err
    assert "or after 2026-11-20 12:00 UTC, where the clock of this lake stands still" in shown.err
    assert "lakehouse quarantine list --dataset plays" in shown.err
    again = run("ingest", "plays", *here)
    assert ("3 read already" in again.out, "build what landed" in again.err) == (True, False)
    looked = run("doctor", "--source", "--dataset", "plays", *here)
    assert (looked.code, "3 files like *.jsonl" in looked.out, "0 files to read" in looked.out) == (0, True, True)


def test_lines_of_a_day_whose_raw_has_expired_are_said_to_be_so(run: Any, plays: Dataset, here: tuple[str, Path], tmp_path: Path) -> None:
    for name, song in (("first.jsonl", "Blue"), ("late.jsonl", "Red")):
        (tmp_path / name).write_text(f'{{"at": "2026-11-17T06:00:00Z", "id": "{song}", "song": "{song}"}}\n')
    assert "no place" not in run("ingest", "plays", tmp_path / "first.jsonl", "--build", *here).err
    assert run("expire", "plays", "--before", "2026-11-18", "--yes", *here).code == 0
    shown = run("ingest", "plays", tmp_path / "late.jsonl", *here).err
    assert "1 lines have no place: their time cannot be read, is of a day whose raw has expired, is before" in " ".join(shown.split())


def test_files_of_names_that_no_feed_takes_are_left_with_a_word(run: Any, plays: Dataset, here: tuple[str, Path]) -> None:
    inbox = here[1] / "inbox" / "plays"
    inbox.mkdir(parents=True)
    (inbox / "PLAYS.JSONL").write_text('{"at": "2026-11-17T06:00:00Z", "id": "p1", "song": "Blue"}\n')
    shown = run("ingest", plays.contract.name, *here)
    assert (shown.code, "0 of 0 files landed" in shown.out) == (0, True)
    assert "1 files are left where they are: no feed of plays takes files of such names" in " ".join(shown.err.split())
    assert "PLAYS.JSONL" in shown.err
    looked = run("doctor", "--source", "--dataset", "plays", *here)
    assert "1 files that no feed takes by their names" in " ".join(looked.out.split())


def test_a_lake_that_is_made_on_first_use_is_told_of_for_its_place_may_be_misspelt(run: Any, sample: Path, token_key: str, tmp_path: Path) -> None:
    lake = ("--lake", tmp_path / "lkae")
    first = run("ingest", "plays", sample / "first", *lake)
    assert "there was no lake at" in first.err
    assert "lkae" in first.err
    assert "there was no lake at" not in run("ingest", "plays", sample / "first", *lake).err


def test_a_file_that_was_written_again_says_that_its_rows_of_before_stay(run: Any, plays: Dataset, here: tuple[str, Path], tmp_path: Path) -> None:
    told = "1 files were read before with other content: what was in them then stays"
    (tmp_path / "other").mkdir()
    here_and_elsewhere = (tmp_path / "a.jsonl", tmp_path / "other" / "a.jsonl")
    for path, song in ((here_and_elsewhere[0], "Blue"), (here_and_elsewhere[0], "Green"), (here_and_elsewhere[1], "Red")):
        path.write_text(f'{{"at": "2026-11-17T06:00:00Z", "id": "p1", "song": "{song}"}}\n')
        shown = run("ingest", plays.contract.name, path, *here)
        assert shown.code == 0
        assert (told in " ".join(shown.err.split())) == (song == "Green")


def test_a_lateness_without_bound_is_told_as_over_the_longest(run: Any, plays: Dataset, here: tuple[str, Path], tmp_path: Path) -> None:
    lake = open_lake(here[1])
    lake.with_settings(msgspec.structs.replace(lake.settings, datasets={plays.contract.name: DatasetSettings(start=dt.date(2020, 1, 1))}))
    for name, day in (("new.jsonl", "2026-11-17"), ("old.jsonl", "2020-11-17")):
        (tmp_path / name).write_text(f'{{"at": "{day}T06:00:00Z", "id": "p1", "song": "Blue"}}\n')
        assert run("ingest", plays.contract.name, tmp_path / name, *here).code == 0
    shown = " ".join(run("status", "--dataset", plays.contract.name, *here).out.split())
    assert "p50 0s, p99 over 180d, worst over 180d (2 first sightings)" in shown
    assert "36500d" not in shown


def test_a_bad_file_is_named_and_the_exit_code_is_1(run: Any, sample: Path, here: tuple[str, Path]) -> None:
    (sample / "first" / "bad.jsonl.gz").write_bytes(b"this is no gzip")
    result = run("ingest", "plays", sample / "first", "--json", *here)
    assert result.code == 1
    assert "bad.jsonl.gz" in result.err
    assert len(result.json["ingest"]["manifests"]) == 3
    assert [Path(path).name for path in result.json["ingest"]["failed"]] == ["bad.jsonl.gz"]


def test_a_bad_file_ends_with_1_though_the_marts_failed_with_what_may_pass(
    run: Any, sample: Path, here: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lakehouse.cli import building
    from lakehouse.cli.exits import ExitCode
    from lakehouse.cli.work import Failed

    for file, code in ((b"this is no gzip", 1), (None, 3)):
        bad = sample / "first" / "bad.jsonl.gz"
        bad.write_bytes(file) if file is not None else bad.unlink()
        monkeypatch.setattr(building, "build_stale", lambda *_, **__: ({}, Failed(["marts: others were first"], ExitCode.TRANSIENT)))
        result = run("ingest", "plays", sample / "first", "--build", *here)
        assert result.code == code
        assert ("bad.jsonl.gz" in result.err, "marts: others were first" in result.err) == (file is not None, True)


def test_a_wrong_path_is_a_usage_error(run: Any, plays: Dataset, here: tuple[str, Path]) -> None:
    result = run("ingest", "plays", here[1] / "nowhere", *here)
    assert (result.code, "no file or folder" in result.err) == (2, True)


def test_fetch_and_ingest_point_to_each_other(run: Any, here: tuple[str, Path], plays: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = run("fetch", "--dataset", "plays", *here)
    assert (refused.code, "lakehouse ingest plays" in refused.err) == (2, True)


def test_ingest_refuses_a_dataset_that_is_fetched(run: Any, here: tuple[str, Path]) -> None:
    refused = run("ingest", "workspace_audit", *here)
    assert (refused.code, "lakehouse fetch --dataset workspace_audit" in refused.err) == (2, True)


def test_looks_are_over_all_datasets_of_the_lake_and_changes_ask_for_one(run: Any, sample: Path, here: tuple[str, Path]) -> None:
    for dataset in ("plays", "visits"):
        assert run("ingest", dataset, sample / "first", "--build", "--json", *here).code == 0
    assert [one["dataset"] for one in run("status", "--json", *here).json] == ["plays", "visits"]
    books = run("books", "--json", *here).json
    assert (books["closes"], [d["reconciliation"]["dataset"] for d in books["datasets"]]) == (True, ["plays", "visits"])
    assert {r["dataset"] for r in run("quarantine", "list", "--json", *here).json} == {"plays", "visits"}
    assert [(r["dataset"], r["reads"]) for r in run("sources", "--json", *here).json] == [
        ("plays", "files in inbox/plays"),
        ("visits", "files in inbox/visits"),
    ]
    assert run("sql", "SELECT dataset, sum(kept) AS kept FROM ops.books GROUP BY ALL ORDER BY ALL", "--json", *here).json == [
        {"dataset": "plays", "kept": 60},
        {"dataset": "visits", "kept": 60},
    ]
    asked = run("replay", "--stale", *here)
    assert (asked.code, "--dataset plays|visits" in asked.err) == (2, True)
    part = run("quarantine", "list", "--dataset", "visits", "--json", *here).json[0]
    assert run("explain", "line", part["part"], part["line"], *here).code == 0  # the part says whose it is


@pytest.mark.parametrize(
    ("more", "told"), [("copise=5", "no argument copise"), ("copies", "sets nothing"), ("copies=x", "does not take"), ("seed.a=1", "no")]
)
def test_a_wrong_argument_of_a_generator_is_a_usage_error(run: Any, plays: Dataset, tmp_path: Path, more: str, told: str) -> None:
    result = run("simulate", "files", "plays", "--to", tmp_path / "sample", "--set", more)
    assert (result.code, told in result.err) == (2, True)
