"""Committed files of clean and quarantine that are not what they should be: no row is lost without a word, and what is told mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from file_damage import DAMAGE, Damage, cut, empty, folder, other_footer

import lakehouse
from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import LakeFormatError
from lakehouse.tables.views import quarantine_files

CLEAN = "clean/workspace_audit/event_date=2026-11-17/*.parquet"
ASIDE = "quarantine/workspace_audit/date=2026-11-17/*.parquet"
COMMANDS = {
    CLEAN: [("sql", "SELECT count(*) FROM clean.workspace_audit"), ("books",)],
    ASIDE: [("sql", "SELECT count(*) FROM quarantine.workspace_audit"), ("books",), ("quarantine", "list"), ("quarantine", "export")],
}


def spoilt(lake: Path, pattern: str, damage: Damage) -> Path:
    path = sorted(lake.glob(pattern))[0]
    damage(path)
    return path


@pytest.mark.parametrize("pattern", [CLEAN, ASIDE], ids=["clean", "quarantine"])
@pytest.mark.parametrize(("damage", "told"), DAMAGE, ids=[d.__name__ for d, _ in DAMAGE])
def test_a_committed_file_that_is_none_is_named_and_building_its_day_by_force_mends_it(
    run: Any, changing_lake: Any, tmp_path: Path, pattern: str, damage: Damage, told: str
) -> None:
    lake = changing_lake.folder
    path = spoilt(lake, pattern, damage)
    for command in COMMANDS[pattern]:
        result = run(*command, *([tmp_path / "out.jsonl"] if command[-1] == "export" else []), "--lake", lake)
        assert result.code == 4, (command, result.out, result.err)
        for words in (str(path), told, "lakehouse replay 2026-11-17 --force"):
            assert words in result.err, command
        assert "Traceback" not in result.err
    if damage is not other_footer:
        found = run("doctor", "--json", "--lake", lake)
        assert found.code == 1
        (one,) = [f for f in found.json if f["name"] == "files of workspace_audit"]
        assert one["state"] == "bad"
        assert str(path) in one["message"]
    mended = run("replay", "2026-11-17", "--force", "--no-marts", "--json", "--lake", lake)
    assert mended.json["days"][0]["committed"]
    for command in COMMANDS[pattern][:2]:
        assert run(*command, "--lake", lake).code == 0
    (one,) = [f for f in run("doctor", "--json", "--lake", lake).json if f["name"] == "files of workspace_audit"]
    assert one["state"] == "good"


@pytest.mark.parametrize(("damage", "told"), DAMAGE[:4], ids=[d.__name__ for d, _ in DAMAGE[:4]])
def test_a_scan_of_clean_refuses_a_file_that_is_none_and_loses_no_row(changing_lake: Any, damage: Damage, told: str) -> None:
    path = spoilt(changing_lake.folder, CLEAN, damage)
    with pytest.raises(LakeFormatError, match=told) as raised:
        lakehouse.open(changing_lake.folder).clean("workspace_audit").scan()
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("damage", [folder, empty, cut, Path.unlink], ids=lambda d: d.__name__)
def test_a_build_without_force_names_the_quarantine_file_that_it_cannot_show(run: Any, changing_lake: Any, damage: Damage) -> None:
    command = ("replay", "2026-11-17", "--no-marts", "--lake", changing_lake.folder)
    assert run(*command, "--json").json["days"][0]["committed"]
    files = quarantine_files(changing_lake.lake, find_dataset("workspace_audit").contract)
    (path,) = [Path(file) for file in files if "date=2026-11-17" in file]
    damage(path)
    result = run(*command)
    assert result.code in (1, 4), result.err
    assert str(path) in result.err
    assert "--force" in result.err
    assert "Traceback" not in result.err


def test_doctor_tells_of_a_file_of_another_size_than_was_committed(run: Any, changing_lake: Any) -> None:
    path = spoilt(changing_lake.folder, CLEAN, lambda file: file.write_bytes(file.read_bytes() + b"PAR1"))
    found = run("doctor", "--lake", changing_lake.folder)
    assert found.code == 1
    assert f"has {path.stat().st_size:,} bytes, {path.stat().st_size - 4:,} were written" in found.out
