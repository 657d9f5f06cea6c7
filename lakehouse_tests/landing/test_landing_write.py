"""What a landed fetch looks like: grains, unplaced lines, parts, books."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections import Counter
from dataclasses import replace

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.accounts.books import FetchBooks
from lakehouse.contracts.model import Contract
from lakehouse.errors import LakeFormatError, TerminalError
from lakehouse.landing import parts as part_writing
from lakehouse.landing.identity import digest
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.write import new_fetch_id, started_of
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake


def test_the_name_of_a_fetch_says_when_it_began():
    began = dt.datetime(2026, 11, 20, 15, 4, 5, 999999, dt.timezone(dt.timedelta(hours=2)))
    assert started_of(new_fetch_id(began, "a-b")) == dt.datetime(2026, 11, 20, 13, 4, 5, tzinfo=dt.UTC)
    with pytest.raises(LakeFormatError, match=r"'f1' is no name of a fetch: expected one such as 2026"):
        started_of("f1")


def test_lines_land_verbatim_in_the_grain_of_their_time(lake, land, line, text):
    noon = [line("2026-11-20T12:59:59.999Z", n) for n in range(3)]
    odd = b'{ "id" : {"time":"2026-11-20T11:00:00Z"}, "n": 1.10,\t"x":"\xc3\xa4"}\r'
    manifest = land(lake, [noon[0], odd], noon[1:])

    by_grain = {part.grain: part for part in manifest.parts}
    assert set(by_grain) == {"2026-11-20T12", "2026-11-20T11"}
    assert text(lake, by_grain["2026-11-20T12"].path) == b"".join(x + b"\n" for x in noon)
    assert text(lake, by_grain["2026-11-20T11"].path) == odd + b"\n"
    assert manifest.books == FetchBooks(read=4, placed=4)
    part = by_grain["2026-11-20T12"]
    assert part.path == f"raw/clicks/date=2026-11-20/hour=12/{manifest.fetch_id}.jsonl.zst"
    stored = lake.store.read(part.path)
    assert (part.size, part.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    assert (part.lines, part.raw_bytes) == (3, sum(map(len, noon)) + 3)
    assert part.min_time == part.max_time == dt.datetime(2026, 11, 20, 12, 59, 59, 999000, tzinfo=dt.UTC)


def test_a_fetch_id_sorts_by_time_and_fits_every_file_system(lake, land, line):
    manifest = land(lake, [line()], application="groups/enterprise:x")
    assert manifest.fetch_id.startswith("20261120T131502Z-groups_enterprise_x-")
    assert not set(manifest.parts[0].path) & set(':*?"<>|\\')


def test_the_identity_file_holds_sorted_hashes_without_masked_values(lake, land, line):
    lines = [line(n=n, etag=f'"e/{n}"') for n in range(5)]
    part = land(lake, lines).parts[0]
    data = lake.store.read(part.ids)
    hashes = [data[i : i + 16] for i in range(0, len(data), 16)]
    bare = [x.replace(f'"\\"e/{n}\\""'.encode(), b"") for n, x in enumerate(lines)]
    assert hashes == sorted(digest(x) for x in bare)
    assert part.ids == part.path.removesuffix(".jsonl.zst") + ".ids"


def test_a_daily_dataset_has_one_grain_per_day(lake, land, line, daily):
    manifest = land(lake, [line("2026-11-20T00:00:00Z"), line("2026-11-20T13:00:00Z"), line("2026-11-19T23:59:59.999999Z")], contract=daily)
    assert [(p.grain, p.lines) for p in manifest.parts] == [("2026-11-19", 1), ("2026-11-20", 2)]
    assert manifest.parts[0].path.startswith("raw/clicks/date=2026-11-19/2026")


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"   ",
        b"not json",
        b'{"id":{"time":"2026-11-20T12:00:00Z"}',
        b'{"id":{"time":"2026-11-20T12:00:00Z"}} {"id":1}',
        b'{"id":{"time":1763640000}}',
        b'{"id":{"time":null}}',
        b'{"id":null}',
        b'["2026-11-20T12:00:00Z"]',
        b'{"time":"2026-11-20T12:00:00Z"}',
        b'{"id":{"time":"yesterday"}}',
        b'{"id":{"time":"2026-11-20"}}',
        b'{"id":{"time":"2026-13-20T12:00:00Z"}}',
        b'{"id":{"time":"2026-05-31T23:59:59Z"}}',
        b'{"id":{"time":"2026-11-20T13:20:03Z"}}',
        b'{"id":{"time":"0001-01-01T00:00:00+14:00"}}',
        b'{"x":' + b"[" * 5000 + b"]" * 5000 + b',"id":{"time":"2026-11-20T12:00:00Z"}}',
        b"\xff\xfe\x00",
    ],
)
def test_a_line_without_a_usable_time_is_unplaced_and_kept(lake, land, text, odd):
    manifest = land(lake, [odd])
    assert manifest.books == FetchBooks(read=1, unplaced=1)
    assert manifest.parts[0].path == f"raw/clicks/unplaced/landed=2026-11-20/{manifest.fetch_id}.jsonl.zst"
    assert manifest.parts[0].min_time is None
    assert text(lake, manifest.parts[0].path) == odd + b"\n"


def test_a_producer_whose_clock_is_minutes_ahead_is_placed(lake, land, line):
    manifest = land(lake, [line("2026-11-20T13:20:02Z"), line("2026-06-01T00:00:00Z")])
    assert [p.grain for p in manifest.parts] == ["2026-06-01T00", "2026-11-20T13"]


def test_a_source_that_fails_midway_leaves_nothing_that_a_reader_sees(lake, land, line):
    def pages():
        yield [line(n=1)]
        raise ConnectionResetError("page 2")

    with pytest.raises(ConnectionResetError):
        land(lake, batches=pages())
    assert load_ledger(lake, "clicks").last_number == 0
    assert land(lake, [line(n=1), line(n=2)]).books == FetchBooks(read=2, placed=2)


def test_a_line_with_a_newline_inside_is_refused(lake, land):
    with pytest.raises(TerminalError, match="one record per line"):
        land(lake, [b'{"a":1}\n'])
    assert load_ledger(lake, "clicks").last_number == 0


def test_the_counters_of_the_client_are_in_the_manifest(lake, land, line):
    manifest = land(lake, [line()], http=lambda: {"requests": 3, "order_violations": 2})
    assert (manifest.http["requests"], manifest.order_violations) == (3, 2)
    assert load_ledger(lake, "clicks").parts["2026-11-20T12"][0].application == "web"


def test_a_large_fetch_leaves_memory_in_several_parts_that_hold_every_line_once(lake, land, line, text, monkeypatch):
    monkeypatch.setattr(part_writing, "FRAME_BYTES", 4_000)
    monkeypatch.setattr(part_writing, "TEXT_LIMIT", 10_000)
    monkeypatch.setattr(part_writing, "FRAMES_LIMIT", 6_000)
    lines = [line(f"2026-11-20T{n % 5:02d}:30:00Z", os.urandom(40).hex()) for n in range(1_000)]
    manifest = land(lake, *(lines[i : i + 50] for i in range(0, len(lines), 50)))
    assert len(manifest.parts) > 5
    assert len({p.path for p in manifest.parts}) == len(manifest.parts)
    for grain in {p.grain for p in manifest.parts}:
        found = [x for p in manifest.parts if p.grain == grain for x in text(lake, p.path).splitlines()]
        assert sorted(found) == sorted(x for x in lines if f'"{grain}:'.encode() in x)
    for part in manifest.parts:
        assert part.lines == text(lake, part.path).count(b"\n") == len(lake.store.read(part.ids)) // 16
    assert land(lake, lines).books == FetchBooks(read=1_000, re_read=1_000)


def test_a_part_is_read_by_the_plain_zstd_tool_chain(lake, land, line):
    part = land(lake, [line(n=n) for n in range(10)]).parts[0]
    with zstandard.open(lake.store.uri(part.path), "rb") as file:
        assert file.read().count(b"\n") == 10


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fetches=st.lists(
        st.lists(
            st.one_of(
                st.binary(max_size=30).filter(lambda x: b"\n" not in x),
                st.builds(
                    lambda hour, n, etag: b'{"etag":"%d","id":{"time":"2026-11-20T%02d:00:00Z"},"n":%d}' % (etag, hour, n),
                    st.integers(0, 13),
                    st.integers(0, 3),
                    st.integers(0, 2),
                ),
            ),
            max_size=12,
        ),
        max_size=5,
    )
)
def test_any_lines_in_any_fetches_land_exactly_once(tmp_path_factory, land, text, fetches):
    lake = open_lake(tmp_path_factory.mktemp("any")).with_settings(
        LakeSettings(clock=dt.datetime(2026, 11, 20, 13, 15, tzinfo=dt.UTC), datasets={"clicks": DatasetSettings(start=dt.date(2026, 6, 1))})
    )
    books = FetchBooks()
    for lines in fetches:
        manifest = land(lake, lines)
        assert manifest.books.difference() == 0
        books += manifest.books
    landed = Counter()
    for parts in load_ledger(lake, "clicks").parts.values():
        for one in parts:
            held = text(lake, one.part.path)
            assert held.count(b"\n") == one.part.lines
            landed.update(held.removesuffix(b"\n").split(b"\n"))
    every = {x for lines in fetches for x in lines}
    assert books.placed + books.unplaced == sum(landed.values())
    assert set(landed) <= every
    masked = Counter(_without_etag(x) for x in landed.elements())
    assert set(masked) == {_without_etag(x) for x in every}
    assert set(masked.values()) <= {1}


def _without_etag(line: bytes) -> bytes:
    return line.replace(b'"etag":"0"', b'"etag":').replace(b'"etag":"1"', b'"etag":').replace(b'"etag":"2"', b'"etag":')


def test_a_contract_without_masked_fields_compares_whole_lines(lake, land, line, contract: Contract):
    bare = replace(contract, record=type(contract.record)(tuple(replace(f, masked=False) for f in contract.record.fields)))
    land(lake, [line(etag="a")], contract=bare)
    assert land(lake, [line(etag="b"), line(etag="a")], contract=bare).books == FetchBooks(read=2, re_read=1, placed=1)
