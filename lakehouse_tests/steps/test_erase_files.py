"""Erasing rows of files: they do not come back with the file, and the inbox that still holds them is told of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from build_lakes import KEY
from file_lakes import FileLake, csv, visit

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import TransientError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.steps import ingest as ingesting
from lakehouse.steps.erase import erasable, erase, inbox_holding


@pytest.fixture
def visited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileLake:
    """A file of three rows, built, of which the second was erased."""
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    files = FileLake.make(tmp_path / "visits")
    files.put("a.csv", csv(visit(16, 1), visit(16, 2, "hers"), visit(16, 3)))
    files.ingest().raise_for_errors()
    files.build()
    (part,) = files.ledger.parts["2026-11-16"]
    erase(files.lake, files.dataset, {part.part.path: frozenset({2})}, reason="request 1")
    files.build()
    assert files.ids() == ["1", "3"]
    return files


@pytest.mark.parametrize("name", ["a.csv", "elsewhere.csv"])
def test_an_erased_row_of_a_file_does_not_come_back_with_the_file_grown_or_under_another_name(visited: FileLake, name: str) -> None:
    visited.put(name, csv(visit(16, 1), visit(16, 2, "hers"), visit(16, 3), visit(16, 4)), age=60)
    visited.ingest().raise_for_errors()
    visited.build()
    assert visited.ids() == ["1", "3", "4"]
    assert load_ledger(visited.lake, "visits").books == FetchBooks(read=7, re_read=1, placed=6)
    assert erasable(visited.lake, visited.dataset, values=["hers"]).count == 0


def test_a_file_that_holds_nothing_but_erased_rows_lands_no_part(visited: FileLake) -> None:
    visited.put("hers.csv", csv(visit(16, 2, "hers")), age=60)
    (manifest,) = visited.ingest().manifests
    assert (manifest.parts, manifest.books) == ((), FetchBooks(read=1, re_read=1))


def test_a_file_that_was_read_while_lines_were_erased_is_read_again(visited: FileLake, monkeypatch: pytest.MonkeyPatch) -> None:
    (part,) = visited.ledger.parts["2026-11-16"]
    visited.put("b.csv", csv(visit(16, 3)), age=60)
    commit = ingesting.commit_file

    def late(*args: Any, **more: Any) -> Any:
        erase(visited.lake, visited.dataset, {part.part.path: frozenset({3})}, reason="request 2")
        return commit(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "commit_file", late)
        with pytest.raises(TransientError, match=r"were erased while .*b\.csv was read"):
            visited.ingest().raise_for_errors()
    visited.ingest().raise_for_errors()
    visited.build()
    assert visited.ids() == ["1"]


def test_inbox_files_that_still_hold_erased_rows_are_named_with_how_many_and_no_text(visited: FileLake) -> None:
    visited.put("more.csv", csv(visit(16, 2, "hers"), visit(16, 2, "hers"), visit(16, 9)))
    visited.put("sound.csv", csv(visit(16, 9)))
    visited.put("torn.csv.gz", b"no gzip")
    told = {Path(file.path).name: file.lines for file in inbox_holding(visited.lake, visited.dataset)}
    assert told == {"a.csv": 1, "more.csv": 2, "torn.csv.gz": None}
    (visited.inbox / "a.csv").unlink()
    assert "a.csv" not in {Path(file.path).name for file in inbox_holding(visited.lake, visited.dataset)}
