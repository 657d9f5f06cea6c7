"""The rows of a grain from blocks to files: one stretch of time after the other, so that a large grain takes little more memory than its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

import polars as pl

from lakehouse.accounts import lateness
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import EXTRA, Contract
from lakehouse.contracts.types import polars_type
from lakehouse.engines.kernel.dedupe import deduplicate
from lakehouse.memory import give_back
from lakehouse.settings import Lake
from lakehouse.tables import grains
from lakehouse.tables.records import TableFile

STRETCH_ROWS = 1 << 16  # of candidates: comparing and packing rows takes several times their memory

_MANY_ROWS = 4 * STRETCH_ROWS  # from there on what the blocks took is a good part of the peak; below, the next grain takes it over


@dataclass
class Written:
    """What was kept of a grain: its files, sorted by time. `duplicates`: part -> rows dropped. The rest is as in `GrainAccount`."""

    files: list[TableFile] = field(default_factory=list)
    duplicates: Counter[str] = field(default_factory=Counter)
    key_conflicts: int = 0
    rows_with_extra: int = 0
    lateness: Counter[int] = field(default_factory=Counter)


def write_rows(lake: Lake, contract: Contract, grain: Grain, digest: str, blocks: Sequence[pl.DataFrame]) -> Written:
    """Deduplicate the rows of all blocks (with or without their empty columns) and write what is kept, sorted by time, a file for each stretch.

    The event time is in every key, so rows of two stretches are never the same.
    """
    written = Written()
    for take in _stretches(contract, blocks):
        path = grains.table_path(contract.name, grain, digest, len(written.files) + 1)
        _write(lake, contract, path, take, written)
    return written


def _write(lake: Lake, contract: Contract, path: str, take: Callable[[], pl.DataFrame], written: Written) -> None:
    """Write one stretch. Of its rows and copies nothing is held when the next one begins."""
    distinct = deduplicate(take(), contract)
    written.duplicates.update(distinct.duplicates)
    written.key_conflicts += distinct.key_conflicts
    if distinct.kept.height:
        written.files.append(grains.write_table_file(lake, path, distinct.kept, contract.event_time))
        written.rows_with_extra += distinct.kept.height - distinct.kept[EXTRA.name].null_count()
        written.lateness.update(_lateness(distinct.kept, contract))


def _stretches(contract: Contract, blocks: Sequence[pl.DataFrame]) -> Iterator[Callable[[], pl.DataFrame]]:
    """The rows, cut by time into stretches of about as many rows; each is made when it is called."""
    if not blocks:
        return
    rows = sum(b.height for b in blocks)
    if rows <= STRETCH_ROWS:
        yield partial(_whole, contract, blocks)
        return
    if rows > _MANY_ROWS:
        give_back()  # the text of the blocks
    times = pl.concat([b[contract.event_time] for b in blocks])
    edges = times.sort().gather_every(STRETCH_ROWS, STRETCH_ROWS).unique().sort()
    places = [edges.search_sorted(b[contract.event_time], side="right") for b in blocks]
    for number in range(len(edges) + 1):
        yield partial(_whole, contract, blocks, places, number)


def _whole(contract: Contract, blocks: Sequence[pl.DataFrame], places: Sequence[pl.Series] = (), number: int = 0) -> pl.DataFrame:
    """The rows of all blocks whose place is this number (all rows without places). Of the columns that are empty in all of them it has the key's."""
    chosen = [b.filter(p == number) for b, p in zip(blocks, places, strict=True)] if places else blocks
    return pl.concat([_empty_key(contract), *chosen], how="diagonal")


@lru_cache(maxsize=16)
def _empty_key(contract: Contract) -> pl.DataFrame:
    return pl.DataFrame(schema={name: polars_type(contract.column(name).type) for name in contract.key})


def _lateness(kept: pl.DataFrame, contract: Contract) -> dict[int, int]:
    return lateness.histogram((kept["_landed_at"] - kept[contract.event_time]).dt.total_seconds().to_numpy())
