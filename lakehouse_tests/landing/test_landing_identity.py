"""Which lines count as met before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import LakeFormatError
from lakehouse.landing.identity import KnownIds, Mask, encode_ids
from lakehouse.landing.ledger import load_ledger

halves = st.sampled_from([b"\x00" * 8, b"\x00" * 7 + b"\x01", b"\xff" * 8, b"A" * 8])
identities = st.builds(lambda high, low: high + low, halves, halves)


@given(st.lists(identities), st.lists(identities, min_size=1))
def test_a_set_of_identities_knows_what_it_holds_even_where_halves_are_equal(held, asked):
    known = KnownIds([encode_ids(held[:3]), encode_ids(held[3:])])
    assert list(known.contains(asked)) == [one in set(held) for one in asked]


@pytest.mark.parametrize(
    ("line", "value", "cut"),
    [
        (b'{"etag":"a","x":1}', b'"a"', b'{"etag":,"x":1}'),
        (b'{"etag" : "a\\"b" }', b'"a\\"b"', b'{"etag" :  }'),
        (b'{"x":{"etag":"b"},"etag":"a"}', b'"a"', b'{"x":{"etag":"b"},"etag":}'),
        (b'{"x":"\\"etag\\":\\"a\\"","etag":{"a":[1]}}', b'{"a":[1]}', b'{"x":"\\"etag\\":\\"a\\"","etag":}'),
        (b'{"\\u0065tag":"a"}', b'"a"', b'{"\\u0065tag":"a"}'),
    ],
)
def test_a_mask_cuts_the_value_that_a_reader_found_and_nothing_else(line, value, cut):
    assert Mask("etag").cut(line, value) == cut


def test_a_mask_cuts_blindly_where_no_reader_can_help():
    assert Mask("etag").cut_blindly(b'{"etag":"a\\"b\\\\","x":') == b'{"etag":,"x":'
    assert Mask("etag").cut_blindly(b'{"etag":"never ends') == b'{"etag":"never ends'


def test_a_missing_or_torn_identity_file_is_named(lake, land, line):
    path = land(lake, [line()]).parts[0].ids
    lake.store.replace(path, b"short")
    with pytest.raises(LakeFormatError, match=r"\.ids has 5 bytes, expected a multiple of 16\. Restore"):
        land(lake, [line(n=2)])
    lake.store.delete(path)
    with pytest.raises(LakeFormatError, match=r"\.ids is missing, though a manifest names it"):
        land(lake, [line(n=2)])
    assert load_ledger(lake, "clicks").last_number == 1
    assert land(lake, [line("2026-11-20T11:00:00Z")]).books.placed == 1
