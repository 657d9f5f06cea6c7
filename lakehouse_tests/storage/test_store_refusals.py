"""What a disk refuses, and what a killed writer leaves behind."""

from __future__ import annotations

import pytest

from lakehouse.errors import TerminalError, TransientError
from lakehouse.storage import Store, open_store


def test_a_file_that_cannot_be_written_is_named_with_what_to_look_at(tmp_path):
    store = open_store(tmp_path)
    store.create("taken", b"a file")
    for write in (store.create, store.replace):
        with pytest.raises(TerminalError, match=r"taken/below cannot be written: .*Not a directory.*free space"):
            write("taken/below", b"x")


@pytest.mark.parametrize(("url", "kind", "remedy"), [(None, TerminalError, "Look at free space"), ("s3://lake", TransientError, "Try again")])
def test_what_delta_could_not_write_is_told_in_one_line_without_colours(tmp_path, url, kind, remedy):
    store = open_store(tmp_path) if url is None else Store(url, None, None)
    tree = (
        "Generic LocalFileSystem error\n   \x1b[31m↳\x1b[0m Unable to copy data to file\n    \x1b[31m↳\x1b[0m No space left on device (os error 28)\n"
    )
    error = store.refused("clean/x/_delta_log", OSError(tree))
    assert type(error) is kind
    reason = "Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)"
    assert str(error).startswith(f"{url or tmp_path}/clean/x/_delta_log cannot be written: {reason}. {remedy}")


def test_unfinished_files_are_shown_by_staged_only_and_can_be_deleted(tmp_path):
    store = open_store(tmp_path)
    store.create("a/part", b"whole")
    (tmp_path / "a" / "part#1").write_bytes(b"half")
    (tmp_path / "a" / "not#one").write_bytes(b"a name like any other")
    assert sorted(e.path for e in store.entries("a")) == ["a/not#one", "a/part"]
    assert [(e.path, e.size) for e in store.staged("a")] == [("a/part#1", 4)]
    store.delete("a/part#1")
    store.delete("a/part#1")
    assert list(store.staged("a")) == []
    assert store.read("a/part") == b"whole"


def test_a_file_is_read_in_pieces(tmp_path):
    store = open_store(tmp_path)
    data = bytes(range(256)) * 4_000
    store.create("a", data)
    pieces = list(store.chunks("a", 100_000))
    assert b"".join(pieces) == data
    assert len(pieces) > 1
    with pytest.raises(FileNotFoundError):
        list(store.chunks("none"))
