"""Which of the copies is kept depends on what they say, never on when or where they landed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_lines import LANDED, Kernel

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Column
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.dedupe import content_hash, deduplicate
from lakehouse.landing.manifest import Window
from lakehouse.landing.write import land_fetch
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake
from lakehouse.steps.build import build_day
from lakehouse.tables.views import clean_version

DATASET = find_dataset("workspace_audit")
CONTRACT = DATASET.contract
HOUR = Grain.parse("2026-11-17T09")


def variants() -> list[bytes]:
    """Lines of one hour: three events, told in several ways each."""
    kernel = Kernel()
    call = kernel.record("token_activity")
    texts: list[Any] = [
        call,
        call | {"etag": '"later/download"'},
        dict(reversed(call.items())),
        call | {"ipAddress": "192.0.2.99"},
        call | {"note": "added later"},
        call | {"events": [call["events"][0] | {"type": "other"}]},
        kernel.record("token_authorize_without_type"),
        kernel.record("token_authorize_without_type") | {"actor": {"email": "other@example.com"}},
        kernel.record("token_revoke_without_ip"),
    ]
    return [json.dumps(t).encode() for t in texts]


LINES = variants()
KEYS = 4
ROWS = {line: Kernel().run(line).rows for line in LINES}


def rows_of(parts: Sequence[Sequence[bytes]]) -> pl.DataFrame:
    """The candidates of parts that landed one after the other."""
    return pl.concat(
        ROWS[line].with_columns(
            _part=pl.lit(f"raw/part-{part}"),
            _line=pl.lit(number, pl.Int64),
            _landed_at=pl.lit(LANDED + dt.timedelta(minutes=part), pl.Datetime("us", "UTC")),
        )
        for part, lines in enumerate(parts)
        for number, line in enumerate(lines, 1)
    )


def content(frame: pl.DataFrame) -> list[str]:
    return sorted(content_hash(frame, CONTRACT))


EXPECTED = content(deduplicate(rows_of([LINES]), CONTRACT).kept)

deals = st.lists(st.tuples(st.sampled_from(range(len(LINES))), st.integers(0, 4)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(len(LINES))), deals, st.lists(st.integers(0, 4), min_size=len(LINES), max_size=len(LINES)))
def test_any_order_any_split_and_any_repetition_keep_the_same_rows(order: list[int], copies: list[tuple[int, int]], places: list[int]) -> None:
    parts: list[list[bytes]] = [[] for _ in range(5)]
    for line, place in [*zip(order, places, strict=True), *copies]:
        parts[place].append(LINES[line])
    frame = rows_of(parts)
    result = deduplicate(frame, CONTRACT)
    assert content(result.kept) == EXPECTED
    assert result.kept.height == KEYS
    assert sum(result.duplicates.values()) == frame.height - KEYS
    assert result.key_conflicts == 2
    for part, dropped in result.duplicates.items():
        assert dropped == frame.filter(pl.col("_part") == part).height - result.kept.filter(pl.col("_part") == part).height


def test_rows_without_copies_are_left_as_they_are() -> None:
    frame = rows_of([[LINES[0], LINES[5]], [LINES[8]]])
    result = deduplicate(frame, CONTRACT)
    assert result.kept.equals(frame.sort(CONTRACT.event_time, *CONTRACT.key))
    assert (result.duplicates, result.key_conflicts) == ({}, 0)


def test_nothing_is_nothing() -> None:
    frame = rows_of([[LINES[0]]]).head(0)
    assert deduplicate(frame, CONTRACT).kept.height == 0


def test_of_equal_rows_the_place_of_the_first_landed_stays() -> None:
    result = deduplicate(rows_of([[LINES[8]], [LINES[1], LINES[0]], [LINES[0]]]), CONTRACT)
    kept = result.kept.filter(pl.col("event_name") == "activity")
    assert kept.select("_part", "_line").rows() == [("raw/part-1", 1)]
    assert result.duplicates == {"raw/part-1": 1, "raw/part-2": 1}
    assert result.key_conflicts == 0


def test_the_content_decides_between_rows_that_differ() -> None:
    one, other = LINES[0], LINES[3]
    for parts in ([[one], [other]], [[other], [one]], [[other, one, other]]):
        result = deduplicate(rows_of(parts), CONTRACT)
        assert result.kept["ip_address"].to_list() == result.kept["ip_address"].unique().to_list()
        assert result.key_conflicts == 1
        assert content(result.kept) == [min(content(rows_of([[one, other]])))]


@pytest.mark.parametrize("versions", [(1, 2), (2, 1), (None, 1), (1, None)])
def test_the_highest_version_wins_before_content(versions: tuple[int | None, int | None]) -> None:
    contract = replace(CONTRACT, columns=(*CONTRACT.columns, Column("revision", "int64", "")), version_column="revision")
    rows = rows_of([[LINES[0]], [LINES[3]]]).with_columns(pl.Series("revision", versions, dtype=pl.Int64))
    for frame in (rows, rows.reverse()):
        result = deduplicate(frame, contract)
        assert result.kept["revision"].to_list() == [max(v for v in versions if v is not None)]
        assert result.key_conflicts == 1


def test_a_null_in_the_key_is_a_value_of_its_own() -> None:
    contract = replace(CONTRACT, key=("event_time", "api_name"))
    rows = rows_of([[LINES[8]], [LINES[8]], [LINES[0]]])
    result = deduplicate(rows, contract)
    assert result.kept.height == 2
    assert result.duplicates == {"raw/part-1": 1}


# --- through raw and clean ------------------------------------------------------------------------------------------------


@settings(max_examples=4, deadline=None)
@given(st.lists(st.lists(st.sampled_from(range(len(LINES))), max_size=6), max_size=3), st.randoms(use_true_random=False))
def test_any_grouping_into_fetches_builds_the_same_table(tmp_path_factory, groups: list[list[int]], random: Any) -> None:
    rest = [[i] for i in range(len(LINES))]
    fetches = [*groups, *rest]
    random.shuffle(fetches)
    assert content_of_table(tmp_path_factory.mktemp("deal"), fetches, days_between=random.random() < 0.5) == EXPECTED


def content_of_table(folder: Path, fetches: list[list[int]], *, days_between: bool) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", Kernel.key.secret.decode())
        lake = open_lake(folder).with_settings(LakeSettings(clock=LANDED, datasets={"workspace_audit": DatasetSettings(start=dt.date(2026, 11, 1))}))
        window = Window(HOUR.start, HOUR.end)
        for number, fetch in enumerate(fetches):
            later = LakeSettings(clock=LANDED + dt.timedelta(minutes=number), datasets=lake.settings.datasets)
            land_fetch(
                replace(lake, settings=later),
                CONTRACT,
                source="files",
                application="token",
                purpose="new",
                window=window,
                covered=window,
                batches=[[LINES[i] for i in fetch]],
                http=dict,
                started_at=later.clock or LANDED,
            )
            if days_between and number % 3 == 0:
                build_day(lake, DATASET, HOUR.date)
        report = build_day(lake, DATASET, HOUR.date)
    assert report.books.balanced()
    assert report.books.kept == KEYS
    files = clean_version(lake, CONTRACT).files
    return content(pl.read_parquet(list(files), hive_partitioning=False))
