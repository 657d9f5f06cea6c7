"""An inbox in a bucket of a real S3 server: files that are read, read again and changed; the sensor; what stands in the way of reading."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import obstore
import pytest
import zstandard
from defs_helpers import execute, tick
from obstore.store import S3Store
from typer.testing import CliRunner, Result

from lakehouse.cli.main import app
from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError, TransientError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.files import find_files, hash_of
from lakehouse.steps.ingest import ingest, waiting_files

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="the server keeps its buckets in extended attributes")]

SCRIPT = Path(__file__).parents[2] / "deploy" / "local" / "object_store.py"
CANNOT = 75
CLOCK = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SENSOR = "plays_new_files_sensor"
PREFIX = "s3://events/plays"


def run_server(action: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), action, str(folder), "--json"], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The folder of a server and the environment for its clients."""
    folder = tmp_path_factory.mktemp("store")
    started = run_server("start", folder)
    if started.returncode == CANNOT:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stderr
    yield folder, json.loads(started.stdout)
    assert run_server("stop", folder).returncode == 0


@dataclass
class Bucket:
    """A bucket as its owner sees it, who writes into it."""

    folder: Path
    store: S3Store

    def put(self, name: str, *times: str, data: bytes | None = None, age: float = 3600) -> None:
        """A file below the prefix, last written some seconds ago, with a play at each of these times."""
        from lakehouse.datasets.plays.generator import play

        lines = b"".join(play(dt.datetime.fromisoformat(time), number) + b"\n" for number, time in enumerate(times))
        packed = gzip.compress(lines) if name.endswith(".gz") else zstandard.compress(lines) if name.endswith(".zst") else lines
        obstore.put(self.store, f"plays/{name}", packed if data is None else data)
        written = dt.datetime.now(dt.UTC).timestamp() - age
        os.utime(self.folder / "plays" / name, (written, written))


@pytest.fixture
def bucket(server: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, whose credentials are in the environment and nowhere else."""
    folder, environment = server
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    place = folder / "buckets" / "events"
    if place.exists():
        for path in sorted(place.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    place.mkdir(exist_ok=True)
    return Bucket(place, S3Store("events"))


@pytest.fixture
def lake(tmp_path: Path, plays: Dataset) -> Lake:
    """A lake on the disk, whose inbox is the bucket."""
    datasets = {plays.name: DatasetSettings(source={"inbox": PREFIX})}
    return open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=CLOCK, made=CLOCK, datasets=datasets))


@pytest.fixture
def command(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("COLUMNS", "400")
    return lambda *args: CliRunner().invoke(app, [*map(str, args), "--lake", str(lake.store.root)])


def landed(lake: Lake, plays: Dataset) -> dict[str, int]:
    """Files that landed -> how many contents of each."""
    return {name: len(reads.hashes) for name, reads in load_ledger(lake, plays.name).files.items()}


# --- what is read -----------------------------------------------------------------------------------------------------


def test_files_of_a_bucket_are_read_once_however_they_are_packed(bucket: Bucket, lake: Lake, plays: Dataset) -> None:
    bucket.put("a.jsonl", "2026-11-15T10:00:00")
    bucket.put("b.jsonl.gz", "2026-11-16T10:00:00", "2026-11-16T11:00:00")
    bucket.put("c.jsonl.zst", "2026-11-17T10:00:00")
    bucket.put("notes.txt", data=b"no feed takes this")
    report = ingest(lake, plays)
    report.raise_for_errors()
    assert [(o.name, o.path) for o in report.outcomes] == [(n, f"{PREFIX}/{n}") for n in ("a.jsonl", "b.jsonl.gz", "c.jsonl.zst")]
    assert (report.books.read, report.books.placed) == (4, 4)
    assert waiting_files(lake, plays).files == ()
    assert [o.skipped for o in ingest(lake, plays).outcomes] == ["read already"] * 3
    bucket.put("a.jsonl", "2026-11-15T10:00:00", age=60)  # written again, with the same content
    assert ingest(lake, plays).manifests == ()


def test_a_file_that_changed_is_read_again_and_one_that_is_fresh_is_left_alone(bucket: Bucket, lake: Lake, plays: Dataset) -> None:
    bucket.put("a.jsonl", "2026-11-15T10:00:00")
    ingest(lake, plays)
    bucket.put("a.jsonl", "2026-11-15T10:00:00", "2026-11-15T11:00:00", age=60)
    bucket.put("b.jsonl", "2026-11-15T12:00:00", age=0)
    report = ingest(lake, plays)
    assert [(o.name, o.skipped) for o in report.outcomes] == [("a.jsonl", None), ("b.jsonl", "still being written")]
    assert landed(lake, plays) == {"a.jsonl": 2}


def test_a_damaged_file_of_a_bucket_is_named_and_the_others_land(bucket: Bucket, lake: Lake, plays: Dataset) -> None:
    bucket.put("a.jsonl.gz", data=gzip.compress(b"x" * 10_000)[:-20])
    bucket.put("b.jsonl", "2026-11-15T10:00:00")
    report = ingest(lake, plays)
    assert [str(o.error) for o in report.errors] == [next(str(o.error) for o in report.outcomes if o.name == "a.jsonl.gz")]
    assert f"{PREFIX}/a.jsonl.gz is damaged or cut short" in str(report.errors[0].error)
    assert landed(lake, plays) == {"b.jsonl": 1}


def test_more_files_than_fit_on_a_page_of_a_listing_are_all_seen(bucket: Bucket, lake: Lake, plays: Dataset) -> None:
    folder = bucket.folder / "plays" / "many"  # where the server keeps them: putting each would take a minute
    bucket.put("many/0000.jsonl", "2026-11-15T10:00:00")
    data, names = (folder / "0000.jsonl").read_bytes(), [f"{n:04d}.jsonl" for n in range(2_300)]
    for name in names[1:]:
        (folder / name).write_bytes(data)
    found = find_files(plays, [f"{PREFIX}/many/"]).files
    assert sorted(file.name for file in found) == names
    obstore.put(bucket.store, "plays/many/9999.jsonl", b"")
    assert len(find_files(plays, [f"{PREFIX}/many"]).files) == 2_301


def test_a_listing_that_tells_milliseconds_is_no_sign_of_a_change(bucket: Bucket, plays: Dataset) -> None:
    """Some servers list them, and tell only seconds of a single file."""
    bucket.put("a.jsonl", "2026-11-15T10:00:00")
    (found,) = find_files(plays, [PREFIX]).files
    listed = replace(found, modified=found.modified.replace(microsecond=123_000))
    assert hash_of(listed) == hash_of(found)
    with pytest.raises(TransientError, match="changed while it was read"):
        hash_of(replace(found, modified=found.modified - dt.timedelta(seconds=1)))


# --- by hand, and by the sensor ---------------------------------------------------------------------------------------


def test_a_url_is_ingested_by_hand_and_explain_ends_at_its_line(
    bucket: Bucket, lake: Lake, plays: Dataset, command: Callable[..., Result], token_key: str
) -> None:
    bucket.put("a.jsonl", "2026-11-15T10:00:00", "2026-11-16T10:00:00", age=0)
    bucket.put("old/b.jsonl", "2026-11-17T10:00:00")
    assert "1 of 1 files landed" in command("ingest", "plays", f"{PREFIX}/a.jsonl", "--build").stdout
    assert "1 of 1 files landed" in command("ingest", "plays", f"{PREFIX}/old/").stdout
    part = load_ledger(lake, plays.name).parts["2026-11-16"][0].part.path
    told = command("explain", "line", part, 1, "--dataset", "plays")
    assert told.exit_code == 0, told.stderr
    assert f"{PREFIX}/a.jsonl line 2" in told.stdout
    assert "1 files like *.jsonl" in command("doctor", "--source", "--dataset", "plays").stdout


def test_the_sensor_sees_a_new_key(bucket: Bucket, lake: Lake, plays: Dataset, instance: dg.DagsterInstance) -> None:
    assert "No file waits" in tick(lake, instance, SENSOR).skip_message
    bucket.put("2026/a.jsonl", "2026-11-15T10:00:00")
    assert "No file waits" in tick(lake, instance, SENSOR).skip_message, "the feed takes no files of folders"
    bucket.put("a.jsonl", "2026-11-15T10:00:00")
    (request,) = tick(lake, instance, SENSOR).run_requests
    assert execute(lake, instance, request).success
    assert "No file waits" in tick(lake, instance, SENSOR).skip_message
    assert landed(lake, plays) == {"a.jsonl": 1}


# --- what stands in the way -------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_said_with_its_url_and_what_to_do(
    bucket: Bucket, lake: Lake, plays: Dataset, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    bucket.put("a.jsonl", "2026-11-15T10:00:00")
    with pytest.raises(ConfigurationError, match="There is nothing at s3://events/other that a feed of plays takes"):
        ingest(lake, plays, ["s3://events/other"])
    with pytest.raises(ConfigurationError, match=r"s3://nowhere/plays cannot be read\. There is no such bucket.*NoSuchBucket"):
        ingest(lake, plays, ["s3://nowhere/plays"])
    with monkeypatch.context() as wrong:
        wrong.setenv("AWS_SECRET_ACCESS_KEY", "another")
        with pytest.raises(
            ConfigurationError, match=rf"{PREFIX} cannot be read\. The credentials in the environment .*403.*SignatureDoesNotMatch"
        ) as said:
            ingest(lake, plays)
        assert not any(word in str(said.value) for word in ("StringToSign", "AWSAccessKeyId", "Debug"))
        assert f"Cannot look: {PREFIX} cannot be read" in tick(lake, instance, SENSOR).skip_message
    with monkeypatch.context() as wrong:
        wrong.delenv("AWS_ALLOW_HTTP")
        with pytest.raises(ConfigurationError, match="AWS_ALLOW_HTTP=true"):
            ingest(lake, plays)
    assert landed(lake, plays) == {}


def test_a_server_that_is_down_is_worth_another_try(
    bucket: Bucket, lake: Lake, plays: Dataset, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    bucket.put("a.jsonl", "2026-11-15T10:00:00")
    (found,) = find_files(plays, [f"{PREFIX}/a.jsonl"]).files
    assert found.url == f"{PREFIX}/a.jsonl"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # the port that discards: nobody listens
    with pytest.raises(TransientError, match=rf"{PREFIX} cannot be read.*AWS_ENDPOINT_URL"):
        ingest(lake, plays)
    ended = command("ingest", "plays", PREFIX)
    assert (ended.exit_code, f"{PREFIX} cannot be read" in ended.stderr) == (3, True), ended.stderr
