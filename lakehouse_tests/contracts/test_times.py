"""One rule for times: what routes a line and what fills a column must never differ."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse.contracts.times import parse_time, parse_times

UTC = dt.UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T13:00:00Z", dt.datetime(2026, 11, 20, 13, tzinfo=UTC)),
        ("2026-11-20t13:00:00z", dt.datetime(2026, 11, 20, 13, tzinfo=UTC)),
        ("2026-11-20 13:00:00", dt.datetime(2026, 11, 20, 13, tzinfo=UTC)),
        ("2026-11-20T13:00:00", dt.datetime(2026, 11, 20, 13, tzinfo=UTC)),
        ("2026-11-20T13:00:00.1Z", dt.datetime(2026, 11, 20, 13, 0, 0, 100000, tzinfo=UTC)),
        ("2026-11-20T13:00:00.123456789Z", dt.datetime(2026, 11, 20, 13, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-20T13:00:00.999999999Z", dt.datetime(2026, 11, 20, 13, 0, 0, 999999, tzinfo=UTC)),
        ("2026-11-20T13:00:00+05:30", dt.datetime(2026, 11, 20, 7, 30, tzinfo=UTC)),
        ("2026-11-20T00:30:00.5-11:00", dt.datetime(2026, 11, 20, 11, 30, 0, 500000, tzinfo=UTC)),
        ("1969-12-31T23:59:59.999999Z", dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", dt.datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_utc(text: str, expected: dt.datetime) -> None:
    assert parse_time(text) == expected
    assert parse_times(pl.Series("t", [text])).to_list() == [expected]


NONE = [
    "",
    "2026-11-20",
    "20261120T130000Z",
    "2026-W47-5T13:00:00Z",
    "2026-11-20T13:00Z",
    "2026-11-20T13Z",
    "2026-1-2T03:04:05Z",
    "2026-11-20T3:04:05.000Z",
    "2026-11-20T24:00:00Z",
    "2026-11-20T23:59:60Z",
    "2026-11-20T23:60:00Z",
    "2026-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "-2026-11-20T13:00:00Z",
    "+12026-11-20T13:00:00Z",
    "12026-11-20T13:00:00Z",
    "2026-11-20T13:00:00ZZ",
    "2026-11-20T13:00:00Z ",
    " 2026-11-20T13:00:00Z",
    "٢٠٢٦-11-20T13:00:00Z",
    "1700000000",
    "0001-01-01T00:00:00+05:00",
    "2026-11-20T13:00:00+25:00",
    "soon",
]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_time_is_none_for_both_readers(text: str) -> None:
    assert parse_times(pl.Series("t", [text])).to_list() == [parse_time(text)]
    if text != "2026-11-20T24:00:00Z":  # newer Pythons read it as midnight
        assert parse_time(text) is None


pieces = st.sampled_from(
    ["2026", "-", "1", "11", "20", "T", " ", "13", ":", "00", "60", "59", ".", "5", "123456789", "Z", "z", "+01:00", "-00:00", ",", "0"]
)
near = st.builds(
    lambda y, mo, d, sep, h, mi, s, f, z: f"{y}-{mo}-{d}{sep}{h}:{mi}:{s}{f}{z}",
    st.sampled_from(["2026", "1969", "0001", "9999", "0000", "226", "+2026"]),
    *[st.sampled_from(["1", "01", "12", "13", "00"])] * 2,
    st.sampled_from(["T", "t", " ", "_", ""]),
    *[st.sampled_from(["0", "00", "23", "24", "59", "60", "7"])] * 3,
    st.sampled_from(["", ".", ".1", ".123456", ".9999999", ".1234567891", ",5"]),
    st.sampled_from(["", "Z", "z", "+00:00", "-23:59", "+0530", "+05", " Z"]),
)


@settings(max_examples=400, deadline=None)
@example(["2026-11-20T23:59:60Z", "2026-11-20T13:00:00Z", None])
@given(st.lists(st.none() | near | st.lists(pieces, max_size=14).map("".join), min_size=1, max_size=6))
def test_the_reader_of_columns_says_what_the_reader_of_lines_says(texts: list[str | None]) -> None:
    expected = [parse_time(t) if t is not None else None for t in texts]
    found = parse_times(pl.Series("when", texts, dtype=pl.String))
    assert found.to_list() == expected
    assert (found.name, found.dtype) == ("when", pl.Datetime("us", "UTC"))


@pytest.mark.parametrize(
    ("fmt", "text", "expected"),
    [
        ("epoch_ms", "1541105830796", dt.datetime(2018, 11, 1, 20, 57, 10, 796000, tzinfo=UTC)),
        ("epoch_ms", "-1", dt.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        ("epoch_s", "1541105830", dt.datetime(2018, 11, 1, 20, 57, 10, tzinfo=UTC)),
        ("epoch_float", "1795275162.23", dt.datetime(2026, 11, 21, 15, 32, 42, 230000, tzinfo=UTC)),
        ("epoch_float", "1541105830.0", dt.datetime(2018, 11, 1, 20, 57, 10, tzinfo=UTC)),
        ("epoch_float", "1541105830.123456789", dt.datetime(2018, 11, 1, 20, 57, 10, 123456, tzinfo=UTC)),
        ("epoch_float", "1541105830", dt.datetime(2018, 11, 1, 20, 57, 10, tzinfo=UTC)),
        ("epoch_s", "1541105830.0", None),
        ("epoch_float", "-0.5", dt.datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC)),
        ("epoch_us", "1541105830796123", dt.datetime(2018, 11, 1, 20, 57, 10, 796123, tzinfo=UTC)),
        ("epoch_ns", "1541105830796123999", dt.datetime(2018, 11, 1, 20, 57, 10, 796123, tzinfo=UTC)),
        ("epoch_ns", "-1", dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("epoch_float", "1.795275162E+9", None),
        ("epoch_float", "1541105830.", None),
        ("epoch_float", "1541105830.0\n", None),
        ("epoch_us", "1541105830796123.0", None),
        ("epoch_ns", "9999999999999999999", None),  # no 64 bits hold it
        ("%d/%b/%Y:%H:%M:%S %z", "17/May/2015:10:05:03 +0200", dt.datetime(2015, 5, 17, 8, 5, 3, tzinfo=UTC)),
        ("%Y-%m-%d", "2014-01-24", dt.datetime(2014, 1, 24, tzinfo=UTC)),
        ("epoch_ms", "1.54224E+12", None),
        ("epoch_ms", "1541105830796.0", None),
        ("epoch_ms", "1541105830796\n", None),
        ("epoch_ms", "", None),
        ("epoch_ms", "999999999999999", None),  # a year that no calendar of Python has
        ("epoch_s", "999999999999999", None),
        ("epoch_s", "١٢٣", None),
        ("%Y-%m-%d", "2014-01-24 ", None),
        ("%Y-%m-%d", "2014-02-30", None),
    ],
)
def test_other_formats_are_read_alike_by_line_and_by_column(fmt: str, text: str, expected: dt.datetime | None) -> None:
    assert parse_time(text, fmt) == expected
    assert parse_times(pl.Series("t", [text, None]), fmt).to_list() == [expected, None]


@given(st.text(alphabet="0123456789-+.eE \n", max_size=20))
@example("-62135596800.5")
@example("253402300799.9999999")
@example("9223372036854775807")
@example("-9223372036854775808")
@example("253402300799999")
@example("253402300800000")
@example("-62135596800000")
@example("-62135596800001")
def test_no_text_is_read_as_an_epoch_by_one_rule_only(text: str) -> None:
    for fmt in ("epoch_s", "epoch_float", "epoch_ms", "epoch_us", "epoch_ns"):
        assert parse_times(pl.Series("t", [text]), fmt).to_list() == [parse_time(text, fmt)], (fmt, text)
