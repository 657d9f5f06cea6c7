"""Which feed takes a file, and how files are found."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace

import pytest
from file_lakes import VISITS, FileLake
from msgspec.structs import replace as replace_settings

from lakehouse.datasets.model import Feed, FileSource, JsonLines
from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import ConfigurationError
from lakehouse.settings import DatasetSettings
from lakehouse.sources.files.inbox import file_source, find_files, in_inbox

CASES = [
    ("*.csv", "a.csv", True),
    ("*.csv", "a.csv.gz", True),
    ("*.csv", "a.csv.zst", True),
    ("*.csv", "a.csv.bz2", False),
    ("*.csv", "in/a.csv", False),
    ("*.csv", "a.CSV", False),
    ("**/*.csv", "a.csv", True),
    ("**/*.csv", "in/deep/a.csv", True),
    ("exports/**/orders*.csv", "exports/orders1.csv", True),
    ("exports/**/orders*.csv", "exports/2026/11/orders-1.csv.gz", True),
    ("exports/**/orders*.csv", "exports/2026/other.csv", False),
    ("a?.csv", "a1.csv", True),
    ("a?.csv", "a/.csv", False),
    ("[ab]*.csv", "b.csv", True),
    ("[!ab]*.csv", "b.csv", False),
    ("a.csv", "aXcsv", False),
    ("**", "in/any", True),
    ("a b(1).csv", "a b(1).csv", True),
]


def feeds_of(tmp_path, feeds, *names):
    """The feeds that take files of an inbox, in the order of their names."""
    files = FileLake.make(tmp_path / "lake")
    for name in names:
        files.put(name, b"")
    found = in_inbox(files.lake, replace(VISITS, source=FileSource(feeds))).files
    return [file.feed.name for file in sorted(found, key=lambda file: file.name)]


@pytest.mark.parametrize(("pattern", "name", "taken"), CASES)
def test_a_pattern_takes_paths_below_the_inbox(tmp_path, pattern, name, taken):
    assert feeds_of(tmp_path, (Feed("feed", (pattern,), JsonLines()),), name) == (["feed"] if taken else [])


def test_the_first_feed_that_takes_a_file_has_it(tmp_path):
    feeds = (Feed("one", ("a*",), JsonLines()), Feed("other", ("*",), JsonLines()))
    assert feeds_of(tmp_path, feeds, "a", "b") == ["one", "other"]


def test_names_with_odd_characters_are_found_and_read(tmp_path):
    files = FileLake.make(tmp_path / "lake")
    names = ["a b.csv", "ä.csv", "50%.csv", "a%20b.csv", "in/q?.csv", "x&y=z.csv", "'quoted'.csv"]
    for name in names:
        files.put(name, b"at,id,note\n")
    assert sorted(f.name for f in in_inbox(files.lake, VISITS).files) == sorted(names)
    report = files.ingest()
    report.raise_for_errors()
    assert len(report.manifests) == len(names)


def test_a_file_has_settled_when_it_was_left_alone_long_enough_and_a_stamp_of_the_future_says_nothing(tmp_path):
    files = FileLake.make(tmp_path / "lake")
    path = files.put("a.csv", b"at\n")
    source = file_source(VISITS)
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for age, settled in ((0, False), (9.9, False), (10, True), (-5, False), (-3600, True)):
        stamp = now.timestamp() - age
        os.utime(path, (stamp, stamp))
        (found,) = in_inbox(files.lake, VISITS).files
        assert found.settled(source, now) == settled, age


def test_a_file_that_is_named_by_itself_is_taken_by_as_much_of_its_path_as_a_pattern_wants(tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "x.csv").write_bytes(b"")
    (tmp_path / "x.csv").write_bytes(b"")
    told = {(f.feed.name, f.name) for f in find_files(VISITS, [str(tmp_path / "bare" / "x.csv"), str(tmp_path / "x.csv")]).files}
    assert told == {("bare", "bare/x.csv"), ("table", "x.csv")}
    assert [(f.feed.name, f.name) for f in find_files(VISITS, [(tmp_path / "x.csv").as_uri()]).files] == [("table", "x.csv")]


def test_the_name_of_a_folder_that_is_named_counts_where_a_pattern_wants_it(tmp_path):
    (tmp_path / "bare" / "bare").mkdir(parents=True)
    for name in ("x.csv", "bare/y.csv"):
        (tmp_path / "bare" / name).write_bytes(b"")
    told = {(f.feed.name, f.name) for f in find_files(VISITS, [str(tmp_path / "bare")]).files}
    assert told == {("bare", "bare/x.csv"), ("bare", "bare/y.csv")}
    assert {(f.feed.name, f.name) for f in find_files(VISITS, [str(tmp_path / "bare" / ".." / "bare" / "bare")]).files} == {("bare", "bare/y.csv")}


def test_a_dataset_that_is_not_read_from_files_cannot_be_ingested():
    with pytest.raises(ConfigurationError, match="workspace_audit is not read from files"):
        file_source(find_dataset("workspace_audit"))


def test_links_to_nothing_and_folders_are_no_files(tmp_path):
    files = FileLake.make(tmp_path / "lake")
    path = files.put("a.csv", b"at,id,note\n")
    path.with_name("b.csv").symlink_to(tmp_path / "nowhere")
    path.with_name("c.csv").mkdir()
    assert [f.name for f in in_inbox(files.lake, VISITS).files] == ["a.csv"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_named_and_the_others_are_read(tmp_path):
    files = FileLake.make(tmp_path / "lake")
    files.put("a.csv", b"at,id,note\n").chmod(0)
    files.put("b.csv", b"at,id,note\n")
    told = {o.name: o.error for o in files.ingest().outcomes}
    assert "a.csv cannot be read" in str(told["a.csv"])
    assert told["b.csv"] is None


def test_files_that_no_feed_takes_by_their_names_are_told_of(tmp_path):
    files = FileLake.make(tmp_path / "lake")
    for name in ("a.csv", "A.CSV", "in/export.zip", ".DS_Store"):
        files.put(name, b"at\n")
    aside = [files.lake.store.uri(f"inbox/visits/{name}") for name in ("A.CSV", "in/export.zip")]
    assert in_inbox(files.lake, VISITS).aside == tuple(aside)
    folder = files.lake.store.root / "inbox" / "visits"
    found = find_files(VISITS, [str(folder), str(folder / "in"), str(folder / "a.csv")])
    assert [f.name for f in found.files] == ["a.csv"]
    assert [url.rpartition("/")[2] for url in found.aside] == ["A.CSV", "export.zip"]
    assert find_files(VISITS, [str(folder / "a.csv")]).aside == ()


def test_an_inbox_may_be_in_the_home_of_a_person(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    files = FileLake.make(tmp_path / "lake")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "a.csv").write_bytes(b"at\n")
    lake = files.lake.with_settings(replace_settings(files.lake.settings, datasets={VISITS.name: DatasetSettings(source={"inbox": "~/exports"})}))
    assert [file.name for file in in_inbox(lake, VISITS).files] == ["a.csv"]
