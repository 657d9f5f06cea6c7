"""The books: equations at tolerance zero, and lateness that can be added."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.accounts import lateness
from lakehouse.accounts.books import Books, FetchBooks, total

numbers = st.integers(0, 1000)
some_books = st.builds(Books, *[numbers] * len(Books.__struct_fields__))


def test_nothing_balances() -> None:
    assert Books().balanced()
    assert FetchBooks().difference() == 0
    assert total([]) == Books()


@pytest.mark.parametrize("term", ["blank", "erased", "superseded", "unreadable", "records"])
def test_each_line_is_in_one_term(term: str) -> None:
    books = Books(lines=3, **{term: 3})
    assert books.balanced()
    assert msgspec.structs.replace(books, **{term: 2}).differences() == (1, 0)
    assert msgspec.structs.replace(books, **{term: 4}).differences() == (-1, 0)


@pytest.mark.parametrize("term", ["quarantined", "filtered", "held", "duplicate", "kept"])
def test_each_row_is_in_one_term(term: str) -> None:
    books = Books(rows=3, **{term: 3})
    assert books.balanced()
    assert msgspec.structs.replace(books, **{term: 2}).differences() == (0, 1)


@pytest.mark.parametrize("term", ["re_read", "placed", "unplaced"])
def test_each_line_of_a_fetch_is_in_one_term(term: str) -> None:
    books = FetchBooks(read=3, **{term: 3})
    assert books.difference() == 0
    assert (books + FetchBooks(read=1)).difference() == 1


def test_two_errors_do_not_make_up_for_each_other() -> None:
    assert not (Books(lines=1) + Books(rows=1)).balanced()
    assert Books(lines=1, rows=-1).differences() == (1, -1)


@given(st.lists(some_books, max_size=5))
def test_a_sum_is_the_sum_of_each_term(books: list[Books]) -> None:
    summed = total(books)
    for name in Books.__struct_fields__:
        assert getattr(summed, name) == sum(getattr(b, name) for b in books)
    lines, rows = summed.differences()
    assert lines == sum(b.differences()[0] for b in books)
    assert rows == sum(b.differences()[1] for b in books)


# --- lateness ---------------------------------------------------------------------------------------------------------


@given(st.floats(-1e9, 1e12))
def test_a_bucket_is_the_smallest_bound_that_is_not_below(seconds: float) -> None:
    found = lateness.bucket(seconds)
    assert found in lateness.BUCKETS
    assert found >= min(seconds, lateness.BUCKETS[-1])
    smaller = [b for b in lateness.BUCKETS if b < found]
    assert not smaller or smaller[-1] < seconds


@given(st.lists(st.tuples(st.integers(-(10**9), 10**12), st.integers(0, 5))))
def test_many_are_put_into_buckets_as_each_is_by_itself(told: list[tuple[int, int]]) -> None:
    seconds, counts = (np.array([pair[n] for pair in told], np.int64) for n in (0, 1))
    assert lateness.histogram(seconds) == dict(sorted(Counter(map(lateness.bucket, seconds.tolist())).items()))
    each = Counter(lateness.bucket(second) for second, count in told for _ in range(count))
    assert lateness.histogram(seconds, counts) == dict(sorted(each.items()))


def test_the_bounds_are_fine_where_an_overlap_may_end() -> None:
    assert list(lateness.BUCKETS) == sorted(set(lateness.BUCKETS))
    assert {180, 6 * 3600} <= set(lateness.BUCKETS)


histograms = st.dictionaries(st.sampled_from(lateness.BUCKETS), st.integers(0, 50), max_size=6)


@given(st.lists(histograms, max_size=4))
def test_histograms_add_up(some: list[dict[int, int]]) -> None:
    summed = lateness.total(some)
    assert sum(summed.values()) == sum(sum(h.values()) for h in some)
    assert list(summed) == sorted(summed)


@given(histograms, st.floats(0, 1))
def test_a_quantile_leaves_the_rest_above_it(histogram: dict[int, int], share: float) -> None:
    found = lateness.quantile(histogram, share)
    count = sum(histogram.values())
    if count == 0:
        assert found is None
        return
    assert found is not None
    assert sum(n for b, n in histogram.items() if b <= found) >= share * count
    assert histogram[found] > 0
    below = sum(n for b, n in histogram.items() if b < found)
    assert below < share * count or below == 0
