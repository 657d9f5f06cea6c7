"""Identical lines of a file are numbered, whatever its batches."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.landing.repeats import Repeats
from lakehouse.sources.files.batch import of_lines

few = st.sampled_from([b"", b"a", b"b", b'{"a":1}', b'{"a":1} ', "é".encode(), b"\x00", b"\xff"])


@given(st.lists(st.lists(few | st.binary().filter(lambda line: b"\n" not in line))))
def test_each_line_is_numbered_among_those_that_are_like_it_over_all_batches(batches):
    repeats, before = Repeats(), Counter()
    for lines in batches:
        expected = []
        for line in lines:
            before[line] += 1
            expected.append(before[line])
        assert repeats.number(of_lines(lines, range(len(lines)))).tolist() == expected


def test_a_batch_of_new_lines_among_which_one_comes_twice_is_numbered_line_by_line():
    repeats = Repeats()
    assert repeats.number(of_lines([b"a", b"b"], [1, 2])).tolist() == [1, 1]
    assert repeats.number(of_lines([b"c", b"a", b"c", b"d"], [3, 4, 5, 6])).tolist() == [1, 2, 2, 1]
    assert repeats.number(of_lines([b"d", b"a"], [7, 8])).tolist() == [2, 3]
