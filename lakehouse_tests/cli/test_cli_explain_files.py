"""`lakehouse explain line` ends at the file and its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import LakeSettings, open_lake


def test_a_raw_line_leads_to_the_line_of_its_file(run: Any, plays: Dataset, tmp_path: Path, token_key: str) -> None:
    clock = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    lake = open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=clock, made=clock))
    file = tmp_path / "a.jsonl"
    file.write_text('\n{"at":"2026-11-17T12:00:00Z","id":"1"}\n{"at":"2026-11-18T12:00:00Z","id":"2"}\n')
    assert run("ingest", plays.name, file, "--build", "--lake", tmp_path / "lake").code == 0
    part = load_ledger(lake, plays.name).parts["2026-11-18"][0].part.path

    told = run("explain", "line", part, 1, "--dataset", plays.name, "--lake", tmp_path / "lake")
    as_json = run("explain", "line", part, 1, "--dataset", plays.name, "--json", "--lake", tmp_path / "lake")

    assert told.code == 0, told.err
    assert f"from      {file} line 3" in told.out.replace("\n", "")
    assert (as_json.json["origin"]["file"], as_json.json["origin"]["line"], as_json.json["fate"]) == (str(file), 3, "kept")
