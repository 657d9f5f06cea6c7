"""Records of older versions are lifted one step at a time; their order stays, and what nobody knows is told."""

from __future__ import annotations

import polars as pl
import pytest

from lakehouse.contracts.versions import upgrade


def doubled(records: pl.DataFrame) -> pl.DataFrame:
    """1 -> 2: `old` moved to `new`, and counts twice."""
    return records.with_columns(new=pl.col("old") * 2, old=pl.lit(None, dtype=pl.Int64))


def one_more(records: pl.DataFrame) -> pl.DataFrame:
    """2 -> 3: `new` begins at 1."""
    return records.with_columns(new=pl.col("new") + 1)


def lifted(versions: list[int | None], *upgrades) -> tuple[list[tuple], list[bool]]:
    numbers = list(range(1, len(versions) + 1))
    records = pl.DataFrame(
        {
            "old": pl.Series([n if v == 1 else None for n, v in zip(numbers, versions, strict=True)], dtype=pl.Int64),
            "new": pl.Series([None if v == 1 else n for n, v in zip(numbers, versions, strict=True)], dtype=pl.Int64),
            "lines": [[{"name": str(n)}] for n in numbers],
        }
    )
    found, unknown = upgrade(records, pl.Series(versions, dtype=pl.Int64), upgrades)
    assert found["lines"].to_list() == records["lines"].to_list()
    return found.select("old", "new").rows(), unknown.to_list()


def test_every_version_is_lifted_step_by_step_and_the_order_stays() -> None:
    assert lifted([3, 1, 2, 1, 3], doubled, one_more) == ([(None, 1), (None, 5), (None, 4), (None, 9), (None, 5)], [False] * 5)


def test_records_of_unknown_versions_and_of_none_stay_as_they_are() -> None:
    rows, unknown = lifted([4, 1, None, 0, -1], doubled, one_more)
    assert rows == [(None, 1), (None, 5), (None, 3), (None, 4), (None, 5)]
    assert unknown == [True, False, False, True, True]


def test_without_upgrades_only_the_first_version_is_known() -> None:
    assert lifted([1, 2, None]) == ([(1, None), (None, 2), (None, 3)], [False, True, False])


def test_records_that_are_all_of_the_newest_version_are_not_touched() -> None:
    records = pl.DataFrame({"old": [1], "new": [2]})
    found, unknown = upgrade(records, pl.Series([2]), [doubled])
    assert found is records
    assert unknown.to_list() == [False]


@pytest.mark.parametrize(
    "broken",
    [
        lambda records: records.head(1),
        lambda records: records.drop("old"),
        lambda records: records.with_columns(new=pl.lit("text")),
        lambda records: records.with_columns(more=1),
    ],
)
def test_an_upgrade_that_changes_rows_columns_or_types_is_refused(broken) -> None:
    records = pl.DataFrame({"old": [1, 2, 3], "new": [1, 2, 3]})
    with pytest.raises(TypeError, match="The upgrade from version 1 broke its promise: expected 2 rows"):
        upgrade(records, pl.Series([1, 1, 2]), [lambda r: broken(r) if r.height == 2 else r])


def test_an_empty_block_is_lifted_too() -> None:
    found, unknown = upgrade(pl.DataFrame({"old": [], "new": []}), pl.Series([], dtype=pl.Int64), [doubled])
    assert (found.height, unknown.len()) == (0, 0)
