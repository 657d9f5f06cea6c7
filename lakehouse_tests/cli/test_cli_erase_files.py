"""`lakehouse erase` of lines that came from files: which files of the inbox still hold them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import LakeSettings, open_lake


def test_files_of_the_inbox_that_still_hold_erased_lines_are_named_and_never_their_text(
    run: Any, plays: Dataset, tmp_path: Path, token_key: str
) -> None:
    clock = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    lake = open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=clock, made=clock))
    file = tmp_path / "lake" / "inbox" / plays.name / "a.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text('{"at":"2026-11-17T12:00:00Z","id":"1"}\n{"at":"2026-11-18T12:00:00Z","id":"number-two"}\n')
    assert run("ingest", plays.name, file, "--build", "--lake", tmp_path / "lake").code == 0
    part = load_ledger(lake, plays.name).parts["2026-11-18"][0].part.path

    asked = ("erase", plays.name, "--reason", "request 1", "--yes", "--no-marts", "--lake", tmp_path / "lake")
    told = run(*asked, "--line", f"{part}:1")
    as_json = run(*asked, "--json")
    assert f"{file} still holds 1 of the erased lines" in " ".join(told.err.split())
    assert "number-two" not in told.err + told.out
    assert as_json.json["inbox"] == [{"path": str(file), "lines": 1}]
    file.unlink()
    assert run(*asked, "--json").json["inbox"] == []
