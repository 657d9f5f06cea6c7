"""Reading parts in blocks, single lines, and files that are damaged."""

from __future__ import annotations

import gzip
import hashlib
import itertools

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import TerminalError
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.read import read_line, read_lines, read_part
from lakehouse.settings import open_lake

TEXT = b"".join(b'{"n":%d,"x":"%s"}\n' % (n, hashlib.sha512(b"%d" % n).hexdigest().encode()) for n in range(5_000))


def _packed(kind: str, text: bytes) -> bytes:
    if kind == "zst":
        return zstandard.ZstdCompressor(write_checksum=True).compress(text)
    return gzip.compress(text) if kind == "gz" else text


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    return open_lake(tmp_path_factory.mktemp("shelf"))


@pytest.mark.parametrize("kind", ["zst", "gz", "jsonl"])
@pytest.mark.parametrize("block", [1_000, 4_096, len(TEXT), 64 << 20])
def test_blocks_are_whole_lines_and_join_to_the_text(lake, kind, block):
    lake.store.create(f"part.{kind}", _packed(kind, TEXT))
    blocks = list(read_part(lake, f"part.{kind}", block_bytes=block))
    assert b"".join(blocks) == TEXT
    assert all(b.endswith(b"\n") and len(b) <= block for b in blocks)
    assert len(blocks) == 1 or all(len(one) + len(other) > block for one, other in itertools.pairwise(blocks))


@pytest.mark.parametrize("kind", ["zst", "gz"])
def test_frames_and_members_one_after_the_other_are_one_text(lake, kind):
    lake.store.create(f"part.{kind}", _packed(kind, TEXT) + _packed(kind, b"") + _packed(kind, b"end\n"))
    assert b"".join(read_part(lake, f"part.{kind}")) == TEXT + b"end\n"


@pytest.mark.parametrize("kind", ["zst", "gz", "jsonl"])
def test_an_empty_file_has_no_blocks(lake, kind):
    lake.store.create(f"part.{kind}", b"")
    lake.store.create(f"blank.{kind}", _packed(kind, b""))
    assert list(read_part(lake, f"part.{kind}")) == list(read_part(lake, f"blank.{kind}")) == []


def test_a_line_longer_than_a_block_is_a_block_of_its_own(lake):
    long = b"x" * 3_000_000 + b"\n"
    lake.store.create("part.zst", _packed("zst", b"a\n" + long + b"b\nc"))
    assert list(read_part(lake, "part.zst", block_bytes=1_000)) == [b"a\n", long, b"b\nc"]


@given(st.lists(st.binary(max_size=20)), st.integers(1, 40), st.booleans())
def test_any_text_comes_back_in_blocks_of_lines(shelf, pieces, block, newline):
    text = b"\n".join(pieces) + (b"\n" if newline else b"")
    shelf.store.replace("any.zst", zstandard.ZstdCompressor().compress(text))
    blocks = list(read_part(shelf, "any.zst", block_bytes=block))
    assert b"".join(blocks) == text
    assert all(b.endswith(b"\n") for b in blocks[:-1])
    assert all(b and (len(b) <= block or b.find(b"\n") in (-1, len(b) - 1)) for b in blocks)


@pytest.mark.parametrize("kind", ["zst", "gz"])
@pytest.mark.parametrize("damage", ["cut", "cut early", "flipped", "no such format", "tail"])
def test_a_damaged_file_is_named_and_never_read_as_a_shorter_one(lake, kind, damage):
    whole = bytearray(_packed(kind, TEXT))
    if damage.startswith("cut"):
        whole = whole[: -5 if damage == "cut" else len(whole) // 2]
    elif damage == "flipped":
        whole[len(whole) // 2] ^= 0xFF
        whole[-6] ^= 0xFF
    elif damage == "tail":
        whole += b"more"
    else:
        whole = bytearray(b"plain text\n")
    lake.store.create(f"part.{kind}", bytes(whole))
    with pytest.raises(TerminalError, match=rf"part\.{kind} is damaged or cut short.*Restore"):
        b"".join(read_part(lake, f"part.{kind}"))


def test_a_missing_part_is_named(lake):
    with pytest.raises(TerminalError, match=r"none\.jsonl\.zst is missing"):
        list(read_part(lake, "raw/none.jsonl.zst"))


def test_lines_are_found_by_number(lake):
    lake.store.create("part.gz", gzip.compress(b"one\n\nthree\nlast"))
    assert [read_line(lake, LineRef("part.gz", n)) for n in (1, 2, 3, 4)] == [b"one", b"", b"three", b"last"]
    assert list(read_lines(lake, "part.gz", [1, 3])) == [(1, b"one"), (3, b"three")]
    for number in (0, -1, 5):
        with pytest.raises(TerminalError, match=f"has 4 lines, so there is no line {number}"):
            read_line(lake, LineRef("part.gz", number))


def test_the_last_newline_starts_no_line(lake):
    lake.store.create("part.jsonl", b"one\n")
    with pytest.raises(TerminalError, match="has 1 lines"):
        read_line(lake, LineRef("part.jsonl", 2))
