"""`lakehouse report`: where the pages are, what is told of them, and a lake without anything to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lakehouse.settings import open_lake


def test_a_page_is_written_into_the_lake_and_replaced_the_next_time(run: Any, changing_lake: Any) -> None:
    page = changing_lake.folder / "reports" / "workspace_audit.html"
    told = run("report", "--lake", changing_lake.folder)
    assert (told.code, told.out) == (0, f"{page}\n")
    assert "<title>Google Workspace audit log" in page.read_text()
    page.write_text("older")
    assert run("report", "--lake", changing_lake.folder).code == 0
    assert page.read_text().startswith("<!doctype html>")
    assert [p.name for p in page.parent.iterdir()] == [page.name]
    assert run("doctor", "--json", "--lake", changing_lake.folder).out.count("reports/") == 0


def test_pages_go_where_they_are_wanted_and_the_lake_stays_as_it_is(run: Any, small_lake: Any, tmp_path: Path) -> None:
    folder = tmp_path / "some" / "pages"
    told = run("report", "--dataset", "workspace_audit", "--dataset", "workspace_audit", "--to", folder, "--json", "--lake", small_lake.folder)
    (clean,) = run("sql", "SELECT count(*) AS n FROM clean.workspace_audit", "--json", "--lake", small_lake.folder).json
    assert told.json == [{"dataset": "workspace_audit", "path": str(folder / "workspace_audit.html"), "days": 2, "rows": clean["n"]}]
    assert [p.name for p in folder.iterdir()] == ["workspace_audit.html"]
    assert not (small_lake.folder / "reports").exists()


def test_a_dataset_without_a_build_beside_one_that_has_some_gets_a_page_that_says_so(run: Any, small_lake: Any, tmp_path: Path) -> None:
    told = run("report", "-d", "workspace_audit", "-d", "commerce", "--to", tmp_path, "--lake", small_lake.folder)
    assert told.code == 0
    assert "nothing of commerce is built yet" in told.err
    assert "Nothing of this dataset is built yet" in (tmp_path / "commerce.html").read_text()


def test_a_lake_without_a_build_is_told_what_to_do(run: Any, tmp_path: Path) -> None:
    open_lake(tmp_path / "lake")
    told = run("report", "--lake", tmp_path / "lake")
    assert told.code == 2
    assert "Nothing is built yet of" in told.err
    assert "lakehouse demo" in told.err
    assert not (tmp_path / "lake" / "reports").exists()
    assert run("report", "--lake", tmp_path / "elsewhere").code == 2
    assert run("report", "--dataset", "nothing", "--lake", tmp_path / "lake").code == 2
