"""Files of a lake appear whole or not at all, and `create` never replaces one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.storage.store import Store, empty_store, local_path, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "lake")


def test_what_is_written_is_read(store: Store) -> None:
    assert store.create("a/b/c.json", b"one")
    assert store.read("a/b/c.json") == b"one"
    assert store.exists("a/b/c.json")
    assert not store.exists("a/b")
    assert not store.exists("a/b/d.json")


def test_create_never_replaces(store: Store) -> None:
    assert store.create("x", b"first")
    assert not store.create("x", b"second")
    assert store.read("x") == b"first"


def test_of_many_creators_one_wins_and_its_file_is_whole(store: Store) -> None:
    wins: list[int] = []

    def create(number: int) -> None:
        if store.create("race", bytes([number]) * 100_000):
            wins.append(number)

    threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1
    assert store.read("race") == bytes(wins) * 100_000


def test_replace_replaces_whole(store: Store) -> None:
    store.replace("x", b"a long first text")
    store.replace("x", b"two")
    assert store.read("x") == b"two"


def test_deleting_twice_is_no_error(store: Store) -> None:
    store.create("x", b"1")
    store.delete("x")
    store.delete("x")
    assert not store.exists("x")


def test_a_missing_file_is_a_file_not_found_error(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("nowhere")
    with pytest.raises(FileNotFoundError):
        list(store.chunks("nowhere"))


def test_a_file_comes_in_pieces(store: Store) -> None:
    data = os.urandom(3_000_001)
    store.create("big", data)
    assert b"".join(store.chunks("big", 1 << 16)) == data


@pytest.mark.parametrize("make", [open_store, empty_store], ids=["on a disk", "by obstore"])
def test_listing(tmp_path: Path, make: Callable[[Path], Store]) -> None:
    store = make(tmp_path / "lake")
    for name in ("a/1.json", "a/2.json", "a/10.json", "a/b/3.json", "ab/4.json"):
        store.create(name, name.encode())
    assert sorted(e.path for e in store.entries("a")) == ["a/1.json", "a/10.json", "a/2.json", "a/b/3.json"]
    assert sorted(e.path for e in store.entries("a", after="a/10.json")) == ["a/2.json", "a/b/3.json"]
    assert store.files("a") == ["1.json", "10.json", "2.json"]
    assert store.files("a", after="1.json") == ["10.json", "2.json"]
    assert store.files("a", after="11.json") == ["2.json"]
    assert store.folders("a") == ["b"]
    assert list(store.entries("nothing")) == []
    assert (store.files("nothing"), store.files("nothing", after="x"), store.folders("nothing")) == ([], [], [])
    entry = next(e for e in store.entries("ab"))
    assert (entry.size, entry.modified.tzinfo is not None) == (9, True)


def test_a_file_that_is_being_written_is_not_listed(store: Store) -> None:
    store.create("a/1.json", b"1")
    assert store.root is not None
    (store.root / "a" / "2.json#1").write_bytes(b"")
    assert (store.files("a"), [e.path for e in store.staged("a")]) == (["1.json"], ["a/2.json#1"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_syncs_many_files_too(tmp_path: Path) -> None:
    script = f"""
import os, sys
from lakehouse.storage import open_store
store = open_store({str(tmp_path)!r})
paths = [f"a{{n}}/b" for n in range(9)]
for path in paths:
    store.create(path, b"x")
store.sync(paths)  # has threads from now on
child = os.fork()
store.sync(paths)
if child == 0:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_sync_wants_files_that_are_there(store: Store) -> None:
    store.create("a/b", b"1")
    store.sync(["a/b"])
    with pytest.raises(FileNotFoundError):
        store.sync(["a/missing"])


@pytest.mark.parametrize("name", ["plain", "with space", "100%", "ha#sh", "que?ry", "ümlaut", "brack[e]t"])
def test_a_folder_of_any_name_is_the_same_lake_by_path_and_by_url(tmp_path: Path, name: str) -> None:
    one = open_store(tmp_path / name)
    one.create("folder=1/x.json", b"1")
    again = open_store(one.url)
    assert again.root == one.root == tmp_path / name
    assert again.read("folder=1/x.json") == b"1"
    assert Path(one.uri("folder=1/x.json")).read_bytes() == b"1"
    assert [e.path for e in again.entries("folder=1")] == ["folder=1/x.json"]


def test_what_is_a_folder_and_what_is_not() -> None:
    assert local_path("/data/lake") == Path("/data/lake")
    assert local_path("file:///data/a%20lake") == Path("/data/a lake")
    assert local_path("relative") == Path("relative").resolve()
    assert local_path("~/lake") == Path("~/lake").expanduser()
    assert local_path("s3://bucket/lake") is None
    assert local_path("gs://bucket/lake") is None


@pytest.mark.parametrize("text", ["http://[::1", "~nobody-of-this-name/lake", "circle/lake"])
def test_what_names_no_place_is_a_configuration_error(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(ConfigurationError, match=r"names no place: .*Expected a folder or a URL"):
        open_store(text)


def test_a_file_is_no_lake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="must be a folder"):
        open_store(tmp_path / "file")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        open_store(tmp_path / "file" / "below")


def test_a_folder_whose_name_delta_would_misread_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="percent escape"):
        open_store(tmp_path / "per%20cent")
    assert list(tmp_path.iterdir()) == []


def test_a_url_that_nobody_knows_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"'nonsense://x' cannot be opened: .*Expected a folder or a URL such as") as refused:
        open_store("nonsense://x")
    assert "\n" not in str(refused.value), "what obstore says of its own state helps nobody"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(store: Store) -> None:
    assert store.root is not None
    store.create("a/x", b"1")
    (store.root / "a").chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(TerminalError, match="cannot be written"):
        store.create("a/y", b"1")


def test_nothing_is_left_beside_the_files(store: Store) -> None:
    for number in range(5):
        store.create("a/x", str(number).encode())
        store.replace("a/y", str(number).encode())
    assert store.root is not None
    assert sorted(p.name for p in (store.root / "a").iterdir()) == ["x", "y"]
