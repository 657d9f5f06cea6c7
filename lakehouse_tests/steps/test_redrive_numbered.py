"""Mended lines where repeated lines are numbered: the rows are those of the same files without a defect (the sound control)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from file_lakes import SALES, FileLake, csv, visit

from lakehouse.errors import TransientError
from lakehouse.landing import redrive as landing
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.operations.quarantine import refused
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.steps.compact import compact
from lakehouse.steps.redrive import redrive
from lakehouse.tables.ops import fetches_table

BAD = visit(16, 1) | {"at": "no time"}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A lake that has read and built these files."""
    monkeypatch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")

    def run(name: str, *contents: Sequence[dict[str, str]]) -> FileLake:
        files = FileLake.make(tmp_path / name, SALES)
        for number, records in enumerate(contents):
            files.put(f"{number}.csv", csv(*records), age=600 - number)
        files.ingest().raise_for_errors()
        files.build()
        return files

    return run


def bad_lines(files: FileLake) -> list[LineRef]:
    """The quarantined lines in the order in which they landed."""
    found = {LineRef(row.part, row.line) for row in refused(files.lake, files.dataset, limit=None)}
    order = [p.part.path for parts in files.ledger.parts.values() for p in parts]
    return sorted(found, key=lambda ref: (order.index(ref.part), ref.line))


def mend(files: FileLake, refs: Sequence[LineRef], ids: str | Sequence[str] = "1", *, build: bool = True) -> int:
    """Mend the lines in one redrive; how many manifests it was."""
    file = files.folder.parent / "mended.jsonl"
    mended = [{"part": r.part, "line": r.line, "raw": json.dumps(visit(16, n))} for r, n in zip(refs, [*ids] * (len(refs) // len(ids)), strict=True)]
    file.write_text("\n".join(map(json.dumps, mended)))
    report = redrive(files.lake, files.dataset, file)
    if build:
        files.build()
    return len(report.manifests)


def test_a_bad_row_in_each_of_two_files_is_one_row(make) -> None:
    control = make("control", [visit(16, 1)], [visit(16, 1), visit(16, 2)])
    files = make("lake", [BAD], [BAD, visit(16, 2)])
    assert mend(files, bad_lines(files)) == 2, "each file has a manifest of its own"
    assert files.rows() == control.rows()
    assert len(files.rows()) == 2


def test_two_bad_rows_of_one_file_are_two_rows_in_one_redrive_or_in_two(make) -> None:
    control = make("control", [visit(16, 1), visit(16, 1)])
    for name, groups in (("one", (slice(0, 2),)), ("two", (slice(0, 1), slice(1, 2)))):
        files = make(name, [BAD, BAD | {"note": "y"}])
        refs = bad_lines(files)
        for group in groups:
            mend(files, refs[group])
        assert files.rows() == control.rows(), name


def test_files_that_are_mended_bit_by_bit_keep_their_numbers_apart_also_after_a_compaction(make) -> None:
    control = make("control", [visit(16, 1)] * 3, [visit(16, 1)] * 2)
    files = make("lake", [BAD] * 3, [BAD] * 2)
    first, second, third, *other = bad_lines(files)
    mend(files, [first, other[0]])
    compact(files.lake, files.dataset)
    mend(files, [second, other[1]])
    mend(files, [third])
    assert files.rows() == control.rows()
    assert len(files.rows()) == 3


def test_a_line_that_was_mended_wrongly_and_is_mended_again_leaves_its_number(make) -> None:
    control = make("control", [visit(16, 2), visit(16, 1), visit(16, 2)])
    files = make("lake", [BAD, BAD, BAD])
    refs = bad_lines(files)
    mend(files, refs[:2])
    (wrong,) = (p.part.path for p in files.ledger.parts["2026-11-16"] if p.number == 2)
    mend(files, [LineRef(wrong, 1)], "2")
    mend(files, refs[2:], "2")
    assert sorted(row[1:3] for row in files.rows()) == sorted(row[1:3] for row in control.rows())
    mend(files, [LineRef(wrong, 2)], "1")
    assert [row[1:] for row in files.rows()] == [("1", "x", 1), ("2", "x", 1), ("2", "x", 2)]


def test_of_two_redrives_of_one_file_at_the_same_moment_one_is_told_to_run_again(make, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make("lake", [BAD, BAD])
    refs, early = bad_lines(files), load_ledger(files.lake, SALES.name)
    mend(files, refs[:1])
    with monkeypatch.context() as patch:
        patch.setattr(landing, "load_ledger", lambda *_: early)  # what a second process has: a ledger from before the first one committed
        with pytest.raises(TransientError, match="mended lines of the same file in the meantime"):
            mend(files, refs[1:], build=False)
    mend(files, refs[1:])
    assert [row[1:] for row in files.rows()] == [("1", "x", 1), ("1", "x", 2)]


def test_mended_lines_say_the_file_that_they_were_in(make) -> None:
    files = make("lake", [BAD], [visit(16, 2)])
    mend(files, bad_lines(files))
    told = fetches_table(files.lake, files.dataset.name).select(["purpose", "file_name"]).to_pylist()
    assert [tuple(row.values()) for row in told] == [("new", "0.csv"), ("new", "1.csv"), ("redrive", "0.csv")]
