"""Raw by position: where lines go, what stands beside their parts, and what retention, orphans and redrives make of it."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.accounts.books import FetchBooks
from lakehouse.accounts.lateness import bucket
from lakehouse.contracts.model import Column, Contract, JsonField, JsonInt, JsonObject, RecordTime
from lakehouse.errors import ConflictError, LakeFormatError, TransientError
from lakehouse.landing.batches import BatchRouter
from lakehouse.landing.files import FileReadError, Seconds, commit_file, write_file
from lakehouse.landing.ledger import advanced, load_ledger
from lakehouse.landing.manifest import LineRef, Part, SourceFile
from lakehouse.landing.orphans import raw_orphans
from lakehouse.landing.positions import Positions, encode_positions, read_positions
from lakehouse.landing.redrive import land_redrive
from lakehouse.landing.retention import delete_expired, land_retention
from lakehouse.landing.routing import ROUTING_VERSION, Router
from lakehouse.storage import open_store

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FROM = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 20, 13, 15, 2, tzinfo=dt.UTC)
LATENESS = dt.timedelta(hours=2)
TWO_TIMES = Contract(
    name="clicks",
    title="Clicks",
    description="For tests.",
    grain="hour",
    record=JsonObject((JsonField("at"), JsonField("ms", JsonInt()))),
    columns=(Column("event_time", "timestamp", "When."),),
    key=("event_time",),
    event_time="event_time",
    times=(RecordTime("at"), RecordTime("ms", "epoch_ms")),
    version=1,
    transform_version=1,
    owners=("team:tests",),
)


@dataclass(frozen=True)
class Batch:
    text: bytes
    offsets: Any
    numbers: Any
    columns: pl.DataFrame | None = None


def batch(*lines: bytes, first: int = 1, columns: pl.DataFrame | None = None) -> Batch:
    ends = np.cumsum([0, *(len(line) + 1 for line in lines)]).astype(np.int64)
    return Batch(b"".join(line + b"\n" for line in lines), ends, np.arange(first, first + len(lines), dtype=np.int64), columns)


def source_file(name: str, sha: str) -> SourceFile:
    return SourceFile(name, f"/inbox/{name}", sha, 1, EPOCH)


@pytest.fixture
def land_file(contract):
    """Write and commit one file."""

    def run(lake, *batches: Batch, name: str = "a.csv", sha: str = "1", of=contract, follows=None):
        ledger = follows or load_ledger(lake, "clicks")
        written = write_file(lake, of, ledger, source="files", application="web", batches=batches, file=lambda: source_file(name, sha))
        return commit_file(lake, written, ledger, lateness=LATENESS)

    return run


def test_lines_go_to_their_grains_with_their_numbers_and_the_manifest_names_the_file(lake, line, land_file, text):
    first = [line("2026-11-20T12:30:00Z", 1), line("2026-11-20T11:30:00Z", 2), b"broken"]
    more = [line("2026-11-20T12:00:00Z", 3), line("2019-01-01T00:00:00Z", 4)]

    manifest = land_file(lake, batch(*first, first=2), batch(*more, first=7))

    assert manifest.books == FetchBooks(5, 0, 3, 2)
    assert (manifest.file, manifest.routing) == (source_file("a.csv", "1"), ROUTING_VERSION)
    told = {p.grain: (text(lake, p.path).splitlines(), read_positions(lake.store, p).numbers.tolist(), p.ids) for p in manifest.parts}
    assert told == {
        "2026-11-20T11": ([first[1]], [3], ""),
        "2026-11-20T12": ([first[0], more[0]], [2, 7], ""),
        "unplaced-2026-11-20": ([first[2], more[1]], [4, 8], ""),
    }
    ledger = load_ledger(lake, "clicks")
    assert ledger.newest == {"web": dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC)}
    assert ledger.frontier("web") == dt.datetime(2026, 11, 20, 10, 30, tzinfo=dt.UTC)
    assert ledger.files["a.csv"].hashes == ("1",)
    assert msgspec.json.decode(msgspec.json.encode(ledger), type=type(ledger)) == ledger


TIMES = st.one_of(
    st.sampled_from(["2026-11-20T12:30:00Z", "2026-11-20T13:20:01Z", "2026-11-20T13:20:03Z", "2026-05-31T23:59:59.999999Z", "2026-06-01T00:00:00Z"]),
    st.sampled_from(["2026-11-19 23:00:00", "1763600000000", 1763600000000, 1763600000000.0, "", None, True, "2026-11-20", {"time": "x"}]),
    st.integers(0, 214 * 86_400_000_000).map(lambda us: (FROM + dt.timedelta(microseconds=us)).isoformat()),
)
RECORDS = st.lists(
    st.one_of(st.fixed_dictionaries({}, optional={"at": TIMES, "ms": TIMES}).map(lambda r: json.dumps(r).encode()), st.binary(max_size=8))
)


@given(RECORDS, st.sampled_from(["hour", "day"]), st.booleans())
def test_many_lines_at_once_go_where_each_line_alone_would(records, grain, sealed):
    contract = replace(TWO_TIMES, grain=grain)
    lines = [record.replace(b"\n", b"") for record in records]
    router = Router(contract, dt.date(2026, 6, 1), NOW, {dt.date(2026, 11, 20)} if sealed else ())
    alone: dict[str, list[int]] = {}
    for index, one in enumerate(lines):
        alone.setdefault(router.home(router.route(one)[0]), []).append(index)

    together = {r.grain: r for r in BatchRouter(router, contract).route(batch(*lines))} if lines else {}

    assert {key: r.lines.tolist() for key, r in together.items()} == alone
    for key, routed in together.items():
        assert bytes(routed.text) == b"".join(lines[i] + b"\n" for i in alone[key])
        placed = [router.route(lines[i])[1] for i in alone[key]] if not key.startswith("unplaced") else []
        assert [EPOCH + dt.timedelta(microseconds=int(t)) for t in routed.times] == placed


def test_columns_route_as_the_text_of_their_lines_does():
    router = Router(TWO_TIMES, dt.date(2026, 6, 1), NOW)
    told = ["2026-11-20T12:30:00Z", "", "x", "2026-11-20T09:30:00Z"]
    lines = [json.dumps({"at": at, "ms": "1763600000000"}).encode() for at in told]
    columns = pl.DataFrame({"ms": ["1763600000000"] * 4, "at": told})
    by_text = [(r.grain, r.lines.tolist()) for r in BatchRouter(router, TWO_TIMES).route(batch(*lines))]
    by_column = [(r.grain, r.lines.tolist()) for r in BatchRouter(router, TWO_TIMES).route(batch(*lines, columns=columns))]
    assert by_column == by_text
    assert [grain for grain, _ in by_text] == ["2026-11-20T09", "2026-11-20T12", "unplaced-2026-11-20"]
    none = [r.grain for r in BatchRouter(router, TWO_TIMES).route(batch(*lines, columns=pl.DataFrame({"other": told})))]
    assert none == ["unplaced-2026-11-20"]


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1), st.booleans(), st.integers(0, 5))
def test_positions_come_back_as_they_were_written(tmp_path_factory, numbers, numbered, cut):
    values = np.array(numbers, np.int64)
    repeats = values[::-1].copy()
    edges = sorted({0, min(cut, len(values)), len(values)})
    pieces = [Positions(values[start:end], repeats[start:end] if numbered else None) for start, end in pairwise(edges)]
    store = open_store(tmp_path_factory.mktemp("lake"))
    store.create("p.pos", encode_positions(pieces))

    told = read_positions(store, Part("p", "", "g", len(numbers), 0, 0, "", pos="p.pos"))

    assert told.numbers.tolist() == numbers
    assert (told.repeats.tolist() if told.repeats is not None else None) == (numbers[::-1] if numbered else None)


def test_positions_that_are_damaged_or_gone_are_named(lake, line, land_file):
    (part,) = land_file(lake, batch(line())).parts
    short = msgspec.structs.replace(part, lines=5)
    with pytest.raises(LakeFormatError, match="holds 1 numbers, expected one or two for each of 5 lines"):
        read_positions(lake.store, short)
    lake.store.replace(part.pos, b"no frame")
    with pytest.raises(LakeFormatError, match="is damaged"):
        read_positions(lake.store, part)
    lake.store.delete(part.pos)
    with pytest.raises(LakeFormatError, match="is missing, though a manifest names it"):
        read_positions(lake.store, part)


def test_repeats_count_identical_lines_of_a_file_over_batches_and_grains(lake, line, land_file, contract):
    one, two = line(n=1), line(n=2)
    numbered = replace(contract, numbered_repeats=True)
    (part,) = land_file(lake, batch(one, two, one), batch(one, first=4), of=numbered).parts
    positions = read_positions(lake.store, part)
    assert positions.repeats is not None
    assert (positions.numbers.tolist(), positions.repeats.tolist()) == ([1, 2, 3, 4], [1, 1, 2, 3])
    (again,) = land_file(lake, batch(one), name="b.csv", of=numbered).parts
    assert read_positions(lake.store, again).repeats.tolist() == [1]


def test_the_same_content_under_its_name_is_refused_at_the_manifest_and_under_another_name_it_lands(lake, line, land_file):
    before = load_ledger(lake, "clicks")
    land_file(lake, batch(line()))
    with pytest.raises(FileReadError, match="landed by another process"):
        land_file(lake, batch(line()), follows=before)
    assert issubclass(FileReadError, ConflictError)
    assert load_ledger(lake, "clicks").last_number == 1
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)
    assert [e.path.rsplit(".", 1)[1] for e in raw_orphans(lake, "clicks", now=later)] == ["zst", "pos"]
    land_file(lake, batch(line()), name="b.csv")
    land_file(lake, batch(line()), sha="2")
    assert load_ledger(lake, "clicks").files["a.csv"].hashes == ("1", "2")


@given(st.lists(st.lists(st.integers(-200_000, 400_000)), min_size=1), st.integers(1, 8))
def test_lateness_is_counted_as_for_single_events(batches, kept):
    frontier = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    seconds = Seconds()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lakehouse.landing.files._SECONDS_KEPT", kept)
        for batch in batches:
            late = np.array([int((frontier - EPOCH).total_seconds()) - s for s in batch], np.int64)
            seconds.add(late * 1_000_000 + 999_999)
    every = [s for batch in batches for s in batch]
    assert seconds.lateness(frontier) == dict(sorted(Counter(bucket(max(0, s)) for s in every).items()))
    assert seconds.lateness(None) == ({0: len(every)} if every else {})


def test_the_ledger_goes_on_from_what_was_written_as_from_what_is_read(lake, line, land_file):
    empty = load_ledger(lake, "clicks")
    first = land_file(lake, batch(line("2026-11-20T12:00:00Z")))
    ledger = advanced(lake, empty, first)
    assert ledger == load_ledger(lake, "clicks")
    land_file(lake, batch(line("2026-11-20T11:00:00Z")), name="b.csv")  # by somebody else
    third = land_file(lake, batch(line("2026-11-20T10:00:00Z"), line("nothing")), name="c.csv")
    assert advanced(lake, ledger, third) == load_ledger(lake, "clicks")


def test_raw_that_expires_takes_its_positions_with_it_and_later_lines_of_the_day_land_unplaced(lake, line, land_file, contract):
    day = dt.date(2026, 11, 18)
    old, new = line("2026-11-18T10:00:00Z"), line("2026-11-19T10:00:00Z")
    manifest = land_file(lake, batch(old, new))
    judged = load_ledger(lake, "clicks")
    land_retention(lake, contract, [day])
    ledger = load_ledger(lake, "clicks")

    gone = [e.path for e in delete_expired(lake, ledger)]

    assert gone == [path for part in manifest.parts if part.grain.startswith("2026-11-18") for path in (part.path, part.pos)]
    assert all(lake.store.exists(p) for part in manifest.parts if "11-19" in part.grain for p in (part.path, part.pos))
    with pytest.raises(TransientError, match="2026-11-18"):
        land_file(lake, batch(old), name="b.csv", follows=judged)
    (part,) = land_file(lake, batch(old), name="b.csv").parts
    assert part.grain == "unplaced-2026-11-20"


def test_a_mended_line_keeps_where_it_stood_and_is_numbered_among_its_likes(lake, line, land_file, contract):
    numbered = replace(contract, numbered_repeats=True)
    (part,) = land_file(lake, batch(b"bad", b"worse", first=5), of=numbered).parts
    mended = line("2026-11-20T12:00:00Z")

    manifest = land_redrive(lake, numbered, [(LineRef(part.path, 1), mended), (LineRef(part.path, 2), mended)])

    (made,) = manifest.parts
    positions = read_positions(lake.store, made)
    assert positions.repeats is not None
    assert (made.ids, positions.numbers.tolist(), positions.repeats.tolist()) == ("", [5, 6], [1, 2])
