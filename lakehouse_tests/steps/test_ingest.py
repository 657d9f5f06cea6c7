"""Files from their inbox to the clean table: what is read, what is left, what each odd file comes to, and that the books close."""

from __future__ import annotations

import gzip
import json
import os
import shutil

import msgspec
import pytest
import zstandard
from file_lakes import FileLake, csv, json_lines, visit

from lakehouse.accounts.books import FetchBooks, total
from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import ConfigurationError, TerminalError, TransientError
from lakehouse.settings import open_lake
from lakehouse.steps import ingest as steps
from lakehouse.steps import known_files
from lakehouse.steps.build import stale_days
from lakehouse.steps.ingest import FileOutcome, IngestReport, waiting_files

LOG = b'192.0.2.1 - - [17/Nov/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "Mozilla"\n'


def test_files_of_every_format_come_to_the_clean_table_and_the_books_close(files):
    document = {"kind": "x", "result": {"items": [visit(17, 4), visit(18, 5)]}}
    files.put("a.csv", csv(visit(16, 1), visit(17, 2)))
    files.put("in/deep/b.csv.gz", gzip.compress(csv(visit(17, 3))))
    files.put("c.doc.json", json.dumps(document, indent=1).encode())
    files.put("d.jsonl.zst", zstandard.compress(json_lines(visit(18, 6), visit(18, 7))))
    files.put("e.log", LOG)
    files.put("bare/f.csv", b"2026-11-18T01:00:00Z;8;'a;b'\n")
    files.put("notes.txt", b"no feed takes this")

    report = files.ingest()

    report.raise_for_errors()
    assert sorted(o.feed for o in report.outcomes) == ["bare", "document", "lines", "log", "table", "table"]
    assert report.books == FetchBooks(9, 0, 9, 0)
    assert report.partitions == ("2026-11-16", "2026-11-17", "2026-11-18")
    days = files.build()
    assert files.ids() == sorted(["192.0.2.1", "1", "2", "3", "4", "5", "6", "7", "8"])
    assert total(a.books for d in days for a in d.accounts.values()).kept == 9
    assert stale_days(files.lake, files.dataset) == []


def test_the_same_file_again_is_nothing_to_do_and_is_not_even_opened(files, monkeypatch):
    path = files.put("a.csv", csv(visit(16, 1)))
    assert len(files.ingest().manifests) == 1
    path.chmod(0)
    monkeypatch.setattr(known_files, "hash_of", None)
    monkeypatch.setattr(steps, "FileReader", None)

    again = files.ingest()

    assert (again.manifests, [o.skipped for o in again.outcomes]) == ((), ["read already"])
    assert waiting_files(files.lake, files.dataset).files == ()
    assert files.ledger.last_number == 1


def test_a_file_that_was_only_touched_is_hashed_once_and_not_read(files, monkeypatch):
    path = files.put("a.csv", csv(visit(16, 1)))
    files.ingest()
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert [f.name for f in waiting_files(files.lake, files.dataset).files] == ["a.csv"]

    assert files.ingest().manifests == ()
    assert waiting_files(files.lake, files.dataset).files == ()
    monkeypatch.setattr(known_files, "hash_of", None)
    assert files.ingest().manifests == ()


def test_the_same_content_under_another_name_is_read_and_ends_as_duplicates(files):
    files.put("a.csv", csv(visit(16, 1), visit(16, 2)))
    files.ingest()
    files.build()
    files.put("copy of a.csv", csv(visit(16, 1), visit(16, 2)))

    assert files.ingest().books == FetchBooks(2, 0, 2, 0)
    (day,) = files.build()
    (account,) = day.accounts.values()
    assert (account.books.kept, account.books.duplicate) == (2, 2)


def test_a_file_that_grew_is_a_new_file(files):
    files.put("a.csv", csv(visit(16, 1)))
    files.ingest()
    files.put("a.csv", csv(visit(16, 1), visit(16, 2)), age=1800)

    (outcome,) = files.ingest().outcomes

    assert outcome.manifest is not None
    files.build()
    assert files.ids() == ["1", "2"]
    assert len(files.ledger.files["a.csv"].hashes) == 2


def test_a_file_that_goes_back_to_what_it_was_is_nothing_to_do(files):
    for number, content in enumerate((csv(visit(16, 1)), csv(visit(16, 2)), csv(visit(16, 1)))):
        files.put("a.csv", content, age=3600 - number)
        files.ingest()
    assert files.ledger.last_number == 2
    assert waiting_files(files.lake, files.dataset).files == ()


def test_a_file_still_being_written_is_left_for_the_next_look(files):
    path = files.put("a.csv", csv(visit(16, 1)), age=1)

    report = files.ingest()

    assert [(o.skipped, o.manifest) for o in report.outcomes] == [("still being written", None)]
    assert waiting_files(files.lake, files.dataset).files == ()
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert [f.name for f in waiting_files(files.lake, files.dataset).files] == ["a.csv"]
    assert len(files.ingest().manifests) == 1


def test_what_a_person_names_is_read_at_once_whether_file_or_folder(files, tmp_path):
    folder = tmp_path / "elsewhere"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "x.csv").write_bytes(csv(visit(16, 1)))
    (folder / "y.csv").write_bytes(csv(visit(16, 2)))
    (folder / "in" / "more").mkdir()
    (folder / "in" / "more" / "z.csv").write_bytes(csv(visit(16, 3)))

    assert sorted(o.name for o in files.ingest([str(folder)]).outcomes) == ["in/more/z.csv", "in/x.csv", "y.csv"]
    assert [o.skipped for o in files.ingest([str(folder / "in" / "x.csv"), str(folder)]).outcomes].count("read already") >= 3
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["x.csv", "y.csv", "z.csv"]


@pytest.mark.parametrize("named", ["in/deep/a.csv", "in/deep", "in", "."])
def test_a_file_that_a_person_names_another_way_is_nothing_to_do_where_it_was_read(files, monkeypatch, named):
    path = files.put("in/deep/a.csv", csv(visit(16, 1)))
    assert len(files.ingest().manifests) == 1
    place = str(path.parents[2] / named)
    monkeypatch.setattr(known_files, "hash_of", None)
    assert [o.skipped for o in files.ingest([place]).outcomes] == ["read already"]
    monkeypatch.undo()

    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert [o.skipped for o in files.ingest([place]).outcomes] == ["read already"]
    files.put("in/deep/a.csv", csv(visit(16, 1), visit(16, 2)))
    assert len(files.ingest([place]).manifests) == 1


@pytest.mark.parametrize(("name", "told"), [("none.csv", "no file or folder"), ("x.txt", "no feed of visits takes a file of this name")])
def test_a_path_that_is_nothing_is_refused_by_name(files, tmp_path, name, told):
    (tmp_path / "x.txt").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=told):
        files.ingest([str(tmp_path / name)])


def test_an_inbox_outside_the_lake_is_read_and_one_that_is_missing_is_named(files, tmp_path):
    settings = files.lake.settings
    told = files.lake.dataset("visits")
    outside = tmp_path / "outside"

    def lake_with(inbox: object) -> FileLake:
        one = msgspec.structs.replace(told, source={"inbox": inbox})
        return FileLake(files.lake.with_settings(msgspec.structs.replace(settings, datasets={"visits": one})))

    with pytest.raises(ConfigurationError, match=r"no folder .*outside"):
        lake_with(str(outside)).ingest()
    with pytest.raises(ConfigurationError, match="must be a folder or a URL"):
        lake_with(7).ingest()
    outside.mkdir()
    (outside / "a.csv").write_bytes(csv(visit(16, 1)))
    os.utime(outside / "a.csv", (1_700_000_000, 1_700_000_000))
    assert len(lake_with(str(outside)).ingest().manifests) == 1
    assert lake_with("nothing/here").ingest().outcomes == ()


def test_one_bad_file_does_not_stop_the_others(files):
    whole = gzip.compress(csv(*(visit(16, n) for n in range(5000))), mtime=0)
    files.put("a.csv.gz", whole[: len(whole) // 2], age=30)
    files.put("b.csv", csv(visit(17, 1)), age=20)
    files.put("c.csv.gz", csv(visit(17, 2)), age=15)

    report = files.ingest()

    assert [(o.name, o.error is None) for o in report.outcomes] == [("a.csv.gz", False), ("b.csv", True), ("c.csv.gz", False)]
    assert "a.csv.gz is damaged or cut short" in str(report.outcomes[0].error)
    assert "is named .gz but does not begin as such a file does" in str(report.outcomes[2].error)
    with pytest.raises(TerminalError, match="2 of 3 files failed"):
        report.raise_for_errors()
    assert files.ledger.last_number == 1
    assert report.partitions == ("2026-11-17",)
    files.put("a.csv.gz", whole, age=11)
    assert files.ingest().books.placed == 5000


def test_what_a_disk_refuses_is_not_tried_again_and_what_may_pass_is():
    full, gone = (
        FileOutcome(name, name, "table", error=error) for name, error in (("a", OSError("No space left")), ("b", TransientError("is gone")))
    )
    with pytest.raises(TerminalError, match=r"2 of 2 files failed.*No space left"):
        IngestReport("visits", (full, gone), 0.0).raise_for_errors()
    with pytest.raises(TransientError, match=r"1 of 1 files failed.*is gone"):
        IngestReport("visits", (gone,), 0.0).raise_for_errors()


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_look(files, monkeypatch):
    path = files.put("a.csv", csv(*(visit(16, n) for n in range(100))))
    found = waiting_files(files.lake, files.dataset)
    path.write_bytes(csv(visit(16, 1)))
    monkeypatch.setattr(steps, "in_inbox", lambda *_: found)

    (outcome,) = files.ingest().outcomes

    assert isinstance(outcome.error, TransientError)
    assert "changed while it was read" in str(outcome.error)
    path.unlink()
    (outcome,) = files.ingest().outcomes
    assert isinstance(outcome.error, TransientError)
    assert "is gone" in str(outcome.error)


def test_a_lake_that_moved_with_its_inbox_reads_nothing_again(files, tmp_path):
    files.put("a.csv", csv(visit(16, 1)))
    files.ingest()
    shutil.copytree(files.folder, tmp_path / "moved")
    moved = FileLake.make(tmp_path / "moved")

    assert moved.ingest().manifests == ()
    assert moved.ledger.last_number == 1


def test_a_file_that_one_feed_has_read_is_new_to_another(tmp_path, token_key):
    """What a file is called depends on the folder that is named, and so does the feed that takes it."""
    lake, dataset = open_lake(tmp_path / "lake"), find_dataset("logistics")
    path = tmp_path / "data" / "flights" / "2026" / "day.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"x": 1}\n')
    for named, feed in ((path.parent, "events"), (tmp_path / "data" / "flights", "flights")):
        assert [(o.feed, o.skipped) for o in steps.ingest(lake, dataset, [str(named)]).outcomes] == [(feed, None)]
        assert [(o.feed, o.skipped) for o in steps.ingest(lake, dataset, [str(named)]).outcomes] == [(feed, "read already")]
