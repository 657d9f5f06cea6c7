"""Hashes of rows: of names and values, stable for ever."""

from __future__ import annotations

import datetime as dt

import polars as pl

from lakehouse.contracts.hashing import row_hashes

TIME = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


def hashed(**columns: object) -> str:
    found: str = row_hashes(pl.DataFrame({name: pl.Series([value], dtype=kind(value)) for name, value in columns.items()}))[0]
    return found


def kind(value: object) -> pl.DataType | None:
    return pl.Datetime("us", "UTC") if isinstance(value, dt.datetime) else pl.String() if value is None else None


def test_the_hash_of_a_row_never_changes() -> None:
    assert hashed(a="text", b=7, c=TIME) == "f8d643e9be605bc178f564d77336da67"


def test_every_other_row_has_another_hash() -> None:
    rows = [hashed(a=a, b=b) for a in ("x", "y", "", None) for b in (0, 1, -1)]
    rows += [hashed(a="x"), hashed(b=0), hashed(a=0, b="x"), hashed(b="x", a=1), hashed(a=True, c=1)]
    assert len(set(rows)) == len(rows)


def test_the_order_of_columns_does_not_matter_their_names_do() -> None:
    assert hashed(a="x", b=1) == hashed(b=1, a="x") != hashed(a="x", c=1)
    assert hashed(a="x", b="y") != hashed(a="y", b="x")


def test_an_absent_number_is_none_and_not_zero() -> None:
    hashes = row_hashes(pl.DataFrame({"a": [None, 0, 1]}, schema={"a": pl.Int64}))
    assert hashes.n_unique() == 3


def test_rows_of_a_frame_are_hashed_each_for_itself() -> None:
    frame = pl.DataFrame({"a": ["x", "y", "x", None], "b": [1, 2, 1, 3]})
    whole = row_hashes(frame)
    assert whole[0] == whole[2]
    assert [row_hashes(frame[i])[0] for i in range(4)] == whole.to_list()
    assert row_hashes(frame.clear()).len() == 0
