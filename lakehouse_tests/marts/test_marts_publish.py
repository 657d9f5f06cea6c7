"""Versions: taken by create, shown by one rename, kept for a while; readers and crashes in between."""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import msgspec
import pytest

from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import ConfigurationError, ConflictError, LakeFormatError
from lakehouse.marts import build, publish
from lakehouse.marts.publish import current_version, published_path, record_path
from lakehouse.marts.records import BuiltDay, VersionRecord
from lakehouse.settings import Lake, LakeSettings, open_lake
from lakehouse.storage import Store
from lakehouse.storage.failpoints import ENV_FAIL_POINT, KILLED

DATASET = find_dataset("workspace_audit")


def record(number: int, build_id: str = "a") -> VersionRecord:
    return VersionRecord(
        number=number, dataset=DATASET.name, built_at=dt.datetime(2026, 3, 2, tzinfo=dt.UTC), clean_version=1,
        days={dt.date(2026, 3, 2): BuiltDay(1, 2, ("clean/x.parquet",))}, coverage={}, as_of=None, models={}, rows={}, recipe="r",
        variables={}, file=publish.file_for(DATASET.name, number, build_id), reason="test", seconds=0.0, software={},
    )  # fmt: skip


def built_file(folder: Path, value: int) -> Path:
    """A DuckDB file as a build leaves it: table t with one value."""
    path = folder / f"built-{value}.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE TABLE t AS SELECT {value} AS value")
    return path


def publish_value(lake: Lake, folder: Path, number: int, build_id: str = "a") -> bool:
    return publish.publish(lake, DATASET, built_file(folder, number), record(number, build_id))


def value_of(path: Path | None) -> int:
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as con:
        return int(con.execute("SELECT value FROM t").fetchall()[0][0])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake")


def test_a_version_becomes_current_and_its_record_reads_back(lake: Lake, tmp_path: Path) -> None:
    assert current_version(lake, DATASET) is None
    assert publish_value(lake, tmp_path, 1)
    assert current_version(lake, DATASET) == record(1)
    assert published_path(lake, DATASET) == tmp_path / "lake" / "marts" / "workspace_audit.duckdb"
    assert value_of(published_path(lake, DATASET)) == 1
    assert record(1).files == ("clean/x.parquet",)


def test_whoever_loses_a_number_leaves_nothing_behind(lake: Lake, tmp_path: Path) -> None:
    assert publish_value(lake, tmp_path, 1, "winner")
    assert not publish.publish(lake, DATASET, built_file(tmp_path, 5), record(1, "loser"))
    assert value_of(published_path(lake, DATASET)) == 1
    assert lake.store.files(publish.versions_folder(DATASET.name)) == ["00000001-winner.duckdb", "00000001.json"]


def test_three_versions_are_kept_and_a_pruned_number_cannot_be_taken_again(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "lake" / publish.versions_folder(DATASET.name)).mkdir(parents=True)
    (tmp_path / "lake" / publish.versions_folder(DATASET.name) / ".00000001-x.tmp").touch()  # a copy that was never finished
    for number in range(1, 6):
        assert publish_value(lake, tmp_path, number)
    assert publish.versions(lake, DATASET) == [3, 4, 5]
    left = lake.store.files(publish.versions_folder(DATASET.name))
    assert len(left) == 6, left
    assert not publish.publish(lake, DATASET, built_file(tmp_path, 9), record(2, "slow"))
    assert publish.versions(lake, DATASET) == [3, 4, 5]
    assert value_of(published_path(lake, DATASET)) == 5


def test_a_reader_is_never_locked_out_and_keeps_what_it_opened(lake: Lake, tmp_path: Path) -> None:
    """A process holds the published file open and reads while two more versions are published."""
    publish_value(lake, tmp_path, 1)
    program = """
        import sys, duckdb
        con = duckdb.connect(sys.argv[1], read_only=True)
        for line in sys.stdin:
            print(con.execute("SELECT value FROM t").fetchall()[0][0], flush=True)
    """
    path = published_path(lake, DATASET)
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def ask() -> str:
            reader.stdin.write("?\n")
            reader.stdin.flush()
            return reader.stdout.readline().strip()

        assert ask() == "1"
        for number in (2, 3):
            publish_value(lake, tmp_path, number)
            assert ask() == "1"
            assert value_of(published_path(lake, DATASET)) == number
        reader.stdin.close()
    assert reader.returncode == 0


def test_a_client_that_writes_to_the_published_file_harms_neither_the_version_nor_the_next(lake: Lake, tmp_path: Path) -> None:
    publish_value(lake, tmp_path, 1)
    path = published_path(lake, DATASET)
    assert path is not None
    vandal = f"import duckdb, os; c = duckdb.connect({str(path)!r}); c.execute('SET checkpoint_threshold=\\'1TB\\'');"
    vandal += "c.execute('UPDATE t SET value = 99'); os._exit(0)"
    subprocess.run([sys.executable, "-c", vandal], check=True)
    assert path.with_name(path.name + ".wal").exists()
    publish_value(lake, tmp_path, 2)
    assert value_of(path) == 2
    assert value_of(tmp_path / "lake" / record(1).file) == 1


@pytest.mark.parametrize(("place", "number"), [("marts.before_record", 1), ("marts.after_record", 2), ("marts.after_rename", 2)])
def test_a_kill_while_publishing_leaves_one_whole_version(lake: Lake, tmp_path: Path, place: str, number: int) -> None:
    publish_value(lake, tmp_path, 1)
    program = f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_marts_publish import open_lake, publish_value
        publish_value(open_lake({str(tmp_path / "lake")!r}), Path({str(tmp_path)!r}), 2, "killed")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env={**os.environ, ENV_FAIL_POINT: place}, check=False)
    assert done.returncode in (-9, KILLED)
    assert value_of(published_path(lake, DATASET)) == number
    found = current_version(lake, DATASET)
    assert found is not None
    assert found.number == number
    # Whoever comes next goes on as if nothing had been.
    assert publish_value(lake, tmp_path, number + 1, "next")
    assert value_of(tmp_path / "lake" / "marts" / "workspace_audit.duckdb") == number + 1


def test_a_version_that_could_not_be_shown_is_shown_later(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    """As on Windows, where a file that somebody has open cannot be replaced."""
    publish_value(lake, tmp_path, 1)
    real = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if Path(target).name == "workspace_audit.duckdb":
            raise PermissionError("open in another process")
        return real(self, target)

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(Path, "replace", refuse)
        assert publish_value(lake, tmp_path, 2)
        assert "cannot be replaced" in caplog.text
    assert value_of(tmp_path / "lake" / "marts" / "workspace_audit.duckdb") == 1
    assert published_path(lake, DATASET) == tmp_path / "lake" / record(2).file
    assert value_of(published_path(lake, DATASET)) == 2
    publish.show(lake, DATASET, record(2))
    assert published_path(lake, DATASET) == tmp_path / "lake" / "marts" / "workspace_audit.duckdb"


def test_a_version_that_is_shown_late_does_not_take_the_place_of_a_newer_one(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process publishes the next version just before this one renames its copy."""
    shown = tmp_path / "lake" / "marts" / "workspace_audit.duckdb"
    rename = Path.replace

    def slowly(self: Path, target: Path) -> Path:
        if target == shown:
            monkeypatch.undo()
            assert publish_value(lake, tmp_path, 2)
            assert value_of(shown) == 2
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", slowly)
    assert publish_value(lake, tmp_path, 1)
    assert value_of(shown) == 2
    assert published_path(lake, DATASET) == shown


def test_a_record_of_a_newer_software_is_refused(lake: Lake) -> None:
    newer = msgspec.to_builtins(record(1)) | {"format": 99}
    lake.store.create(record_path(DATASET.name, 1), msgspec.json.encode(newer))
    with pytest.raises(LakeFormatError, match="Install a newer lakehouse"):
        current_version(lake, DATASET)


def test_a_damaged_record_is_named(lake: Lake) -> None:
    lake.store.create(record_path(DATASET.name, 1), b"{")
    with pytest.raises(LakeFormatError, match=r"00000001\.json cannot be read"):
        current_version(lake, DATASET)


def test_elsewhere_than_on_a_disk_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="Marts need a lake on a local disk"):
        publish.local_root(Lake(Store("s3://bucket/lake", None, None), LakeSettings()))


def test_a_build_that_others_outrun_is_made_again_and_given_up_at_last(built, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []
    monkeypatch.setattr(build._Attempt, "run", lambda self: tries.append(self.id))
    with pytest.raises(ConflictError, match="other builds were published first"):
        build.build_marts(built.lake, built.dataset)
    assert len(set(tries)) == len(tries) == 5
