"""The demo: never touches a lake that it did not make; runs to the end, heals, and runs again for nothing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lakehouse.accounts.books import Books
from lakehouse.cli.demo_lake import check_place, clear, is_demo_lake, prepare
from lakehouse.cli.demo_samples import NOW, sample_of
from lakehouse.cli.demo_story import _TERMS, Story, Told, _round
from lakehouse.cli.dev import _only_one, refuse_while_dev_runs
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.defs.instance import dagster_home
from lakehouse.defs.run import Materialized
from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.settings import open_lake

DATASET = find_dataset("workspace_audit")


def test_a_lake_of_somebody_else_is_left_alone(run: Any, tmp_path: Path) -> None:
    open_lake(tmp_path)
    for args in ([], ["--fresh"]):
        result = run("demo", "--lake", tmp_path, *args)
        assert result.code == 2
        assert "left alone" in result.err
    assert [p.name for p in tmp_path.iterdir()] == ["lake.json"]


def test_a_folder_with_other_things_is_left_alone(run: Any, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    assert run("demo", "--lake", tmp_path, "--fresh").code == 2
    assert (tmp_path / "letters.txt").read_text() == "dear"


def test_a_demo_is_not_emptied_under_a_dev_that_runs(run: Any, tmp_path: Path) -> None:
    root = tmp_path / "demo"
    home = dagster_home(prepare(root, [DATASET]).lake)
    with _only_one(home) as held:
        assert held
        refused = run("demo", "--fresh", "--lake", root)
    assert (refused.code, "Stop it first" in refused.err) == (2, True)
    assert (root / "lake.json").is_file()
    refuse_while_dev_runs(home)


def test_an_object_store_is_no_place_for_a_demo() -> None:
    with pytest.raises(ConfigurationError, match="local disk"):
        check_place("s3://bucket/lake")


@pytest.mark.slow
def test_the_demo_runs_heals_closes_and_runs_again_for_nothing(run: Any, tmp_path: Path, token_key: str) -> None:
    root = tmp_path / "demo"
    told = run("demo", "--dataset", "workspace_audit", "--lake", root, "--json")
    assert told.code == 0, told.err
    first = told.json["datasets"]["workspace_audit"]
    assert first["closes"]
    assert [t for t in first["truth"] if t["truth"] != t["lake"]] == []
    assert len(first["answers"]) == 3
    assert all(a["rows"] for a in first["answers"])
    healed = [d for d in first["days_built"] if d["day"] == "2026-11-18"]
    assert healed[0]["grains_rebuilt"] == 24
    assert healed[1]["grains_reused"] > 0 < healed[1]["grains_rebuilt"] < 24
    again = run("demo", "--dataset", "workspace_audit", "--lake", root)
    assert again.code == 0
    assert "nothing is stale" in again.out
    _every_mart_is_explained(root)
    _its_lake_is_known_and_can_be_cleared(root)


@pytest.mark.slow
def test_the_demo_of_all_datasets_closes_agrees_with_the_truth_answers_and_builds_nothing_again(tmp_path: Path, token_key: str) -> None:
    first, again = _demo_of_all(tmp_path / "demo"), _demo_of_all(tmp_path / "demo")
    for story in (first, again):
        assert set(story) == {dataset.name for dataset in all_datasets()}
        for name, told in story.items():
            assert (told["closes"], told["failed"]) == (True, []), name
            assert told["reconciliation"]["differences"] == [], name
            assert told["truth"], name
            assert [term for term in told["truth"] if term["truth"] != term["lake"]] == [], name
            assert [bool(answer["rows"]) for answer in told["answers"]] == [True] * 3, name
    assert all(told["days_built"] for told in first.values())
    assert [told["days_built"] for told in again.values()] == [[]] * len(first)
    assert [told["answers"] for told in again.values()] == [told["answers"] for told in first.values()]


def _demo_of_all(root: Path) -> dict[str, Any]:
    """What the command prints as a process of its own, by dataset."""
    done = subprocess.run([sys.executable, "-m", "lakehouse", "demo", "--json", "--lake", str(root)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)["datasets"]
    return found


def _every_mart_is_explained(root: Path) -> None:
    from lakehouse.marts.specs import mart_specs
    from lakehouse.steps.explain_mart import explain_rows
    from lakehouse.steps.query import connect

    lake = open_lake(root)
    with connect(lake) as con:
        filled = [s.name for s in mart_specs("workspace_audit") if con.execute(f"SELECT count(*) FROM marts.{s.name}").fetchall()[0][0]]
    behind = 0
    for name in filled:
        (row,) = explain_rows(lake, DATASET, name, {})
        assert row.agrees, f"{name}: {row.counted} against {row.clean_rows}, {row.quarantine}"
        behind += row.clean_rows
    assert behind > 1000
    assert all(row.agrees for row in explain_rows(lake, DATASET, "audit_quarantined", {}, rows=1000))


def _its_lake_is_known_and_can_be_cleared(root: Path) -> None:
    lake = open_lake(root)
    assert is_demo_lake(lake)
    assert lake.settings.clock == NOW > sample_of(root, DATASET).first_look
    clear(check_place(str(root)))
    assert list(root.iterdir()) == []


def test_a_demo_of_several_datasets_of_files_heals_closes_and_runs_again_for_nothing(
    run: Any, small_datasets: Any, tmp_path: Path, token_key: str
) -> None:
    root = tmp_path / "demo"
    told = run("demo", "--lake", root, "--json")
    assert told.code == 0, told.err
    for name in ("plays", "visits"):
        one = told.json["datasets"][name]
        assert one["closes"]
        assert [t for t in one["truth"] if t["truth"] != t["lake"]] == []
        assert len([d for d in one["days_built"] if d["day"] == "2026-11-16"]) == 2  # at first, and when the late file came
    again = run("demo", "--lake", root)
    assert again.code == 0
    assert again.out.count("nothing is stale") == 2
    assert "agrees with the truth" in again.out


def test_the_terms_of_each_dataset_in_the_table_of_books_add_up() -> None:
    for term in ("quarantined", "filtered", "held", "duplicate", "kept"):
        shown = {name: 1 if name in ("rows", term) else 0 for name in _TERMS}
        assert Books(**shown).differences()[1] == 0


def test_a_dataset_that_is_shown_later_joins_the_lake_that_is_there(run: Any, small_datasets: Any, tmp_path: Path, token_key: str) -> None:
    root = tmp_path / "demo"
    assert run("demo", "--dataset", "plays", "--lake", root, "--json").code == 0
    both = run("demo", "--dataset", "visits", "--dataset", "plays", "--lake", root, "--json").json["datasets"]
    assert (len(both["visits"]["days_built"]) > 5, both["plays"]["days_built"]) == (True, [])
    assert is_demo_lake(open_lake(root))


def test_a_dataset_that_could_not_be_read_is_not_shown_as_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    demo, out = prepare(tmp_path / "demo", [DATASET]), io.StringIO()
    (sample,) = demo.samples
    story = Story(demo, {DATASET.name: Told(sample)})
    monkeypatch.setattr(type(sample), "read", lambda *_: Materialized(("run",), (), {"2026-11-18T00": TerminalError("broken")}))
    _round(story, sample, Console(file=out), late=False, publish=False, quiet=True)
    assert "✓ 0 windows" not in out.getvalue()
    assert story.failures == ["workspace_audit: 2026-11-18T00: broken"]
