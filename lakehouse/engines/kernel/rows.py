"""One block of a part through the kernel: text in, rows, quarantine and books out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import Transform
from lakehouse.engines import quarantine
from lakehouse.engines.kernel import census, decode, tokens, validate
from lakehouse.engines.kernel.lines import Lines
from lakehouse.settings import TokenKey

_HELD, _FILTERED = "_held", "_filtered"


@dataclass(frozen=True)
class PartContext:
    """What a block needs to know about where it comes from. `reference_time`: see `landing.manifest`; `released`: its late rows are admitted."""

    grain: Grain
    part: str
    fetch_id: str
    application: str
    landed_at: dt.datetime
    superseded: frozenset[int] = frozenset()
    reference_time: dt.datetime | None = None
    released: bool = False
    sealed: frozenset[dt.date] = frozenset()


@dataclass(frozen=True)
class BlockResult:
    """`rows`: candidates for the table, tokenised, with provenance; duplicates are still in. `books` has their number as `kept`."""

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    books: Books
    census: census.Census
    unknown_values: Counter[str]


def process_block(
    block: bytes, first_number: int, *, contract: Contract, transform: Transform, context: PartContext, key: TokenKey, fast: bool = True
) -> BlockResult:
    """Decode, count, normalise, tokenise, validate, filter and hold the lines of a block."""
    decoded = decode.decode(block, first_number, contract, skip=context.superseded, fast=fast)
    frame = transform(decoded.records, contract)
    rowless = _rowless(decoded, frame)
    faults = [*decoded.faults, *rowless]
    frame = tokens.tokenise(_numbered(frame, decoded.numbers), contract, key)
    bad = _bad_rows(frame, contract, context)
    place = _place(context)
    entries = pl.concat([quarantine.of_faults(faults, place), quarantine.of_rows(bad, place)])
    good = _without(frame, pl.Series(np.isin(np.arange(frame.height), bad["index"].to_numpy())))
    filtered = _marked(good, _FILTERED)
    good = _without(good, filtered)
    held = _late(good, contract, context)
    kept = _without(good, held)
    if held.any():
        entries = pl.concat([entries, quarantine.of_held(good.filter(held), contract.event_time, place)])
    unreadable = sum(not f.is_record for f in faults)
    books = Books(
        lines=decoded.lines + _superseded_in(block, first_number, context),
        blank=decoded.blank,
        superseded=_superseded_in(block, first_number, context),
        unreadable=unreadable,
        records=len(decoded.numbers) + sum(f.is_record for f in decoded.faults),
        rows=frame.height + sum(f.is_record for f in faults),
        quarantined=bad.height + sum(f.is_record for f in faults),
        filtered=int(filtered.sum()),
        held=int(held.sum()),
        kept=kept.height,
    )
    return BlockResult(
        _with_provenance(kept, contract, context),
        entries,
        books,
        _nameless(census.take_census(decoded.records, contract.record), key),
        Counter({tokens.scrub_text(value, key): count for value, count in validate.unknown_values(kept, contract).items()}),
    )


def _numbered(frame: pl.DataFrame, numbers: np.ndarray[Any, np.dtype[np.int64]]) -> pl.DataFrame:
    """The frame with `_line` and, counted from 0 in each record, `_row`. Rows of a record stand together."""
    records = frame["_record"].to_numpy().astype(np.int64)
    begins = np.flatnonzero(np.diff(records, prepend=-1))
    rows = np.arange(len(records)) - np.repeat(begins, np.diff(begins, append=len(records)))
    return frame.with_columns(pl.Series("_line", numbers[records]), pl.Series("_row", rows, dtype=pl.Int64))


def _without(frame: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """The rows that are not marked; the frame itself, uncopied, where none is."""
    return frame.filter(~mask) if mask.any() else frame


def _nameless(found: census.Census, key: TokenKey) -> census.Census:
    """The census with tokens in place of addresses: a producer may use them as names of fields."""
    result: census.Census = Counter()
    for (path, kind, declared), count in found.items():
        result[path if declared else tokens.scrub_text(path, key), kind, declared] += count
    return result


def _place(context: PartContext) -> dict[str, Any]:
    return {
        "day": context.grain.date,
        "grain": context.grain.key,
        "part": context.part,
        "fetch_id": context.fetch_id,
        "landed_at": context.landed_at,
        "application": context.application,
    }


def _superseded_in(block: bytes, first_number: int, context: PartContext) -> int:
    if not context.superseded:
        return 0
    count = len(Lines.split(block, first_number))
    return sum(first_number <= n < first_number + count for n in context.superseded)


def _rowless(decoded: decode.Decoded, frame: pl.DataFrame) -> list[decode.Fault]:
    """Records of which the transform made no row: each is one quarantined row."""
    there = np.zeros(len(decoded.numbers), bool)
    there[frame["_record"].to_numpy()] = True
    return [decode.Fault(int(n), "no_rows", None, "the record tells of no event", is_record=True) for n in decoded.numbers[~there]]


def _bad_rows(frame: pl.DataFrame, contract: Contract, context: PartContext) -> pl.DataFrame:
    """Rows to quarantine: `index`, `rule`, `field`, `line`, `row`, `event_time`; each row once."""
    time = contract.event_time
    faults = validate.find_faults(frame, contract).rename({"row": "index"})
    facts = frame.with_row_index("index").select("index", line="_line", row="_row", event_time=time)
    if context.grain.kind == "unplaced":
        placed = facts.select(
            "index",
            rule=pl.when(pl.col("event_time").is_null())
            .then(pl.lit("time_unreadable"))
            .when(pl.col("event_time") > context.landed_at)
            .then(pl.lit("in_future"))
            .when(_of_sealed(context))
            .then(pl.lit("day_sealed"))
            .otherwise(pl.lit("before_start")),
            field=pl.lit(time),
        )
        faults = placed  # why a line has no place comes before what else is wrong with it
    elif not contract.rows_span_days:
        inside = pl.col("event_time").is_between(context.grain.start, context.grain.end, closed="left")
        lost = facts.filter(~inside).select("index", rule=pl.lit("misrouted"), field=pl.lit(time))
        faults = pl.concat([faults, lost]).unique("index", keep="first", maintain_order=True)
    return faults.join(facts, on="index", how="left", maintain_order="left").with_columns(pl.col("index").cast(pl.Int64))


def _of_sealed(context: PartContext) -> pl.Expr:
    """Rows of a record that tells of a day that was sealed before its line landed."""
    if not context.sealed:
        return pl.lit(value=False)
    return pl.col("event_time").dt.date().is_in(sorted(context.sealed)).any().over("line")


def _marked(frame: pl.DataFrame, column: str) -> pl.Series:
    if column in frame.columns:
        return frame[column].is_not_null()
    return pl.Series(column, [False], dtype=pl.Boolean).new_from_index(0, frame.height)


def _late(frame: pl.DataFrame, contract: Contract, context: PartContext) -> pl.Series:
    """Rows that came later than the contract allows: by their ingest time, else by what had been read before their fetch; never by when this runs."""
    if contract.allowed_lateness is None or context.released:
        return _marked(frame, _HELD)
    came = pl.lit(context.reference_time, dtype=pl.Datetime("us", "UTC"))
    if contract.ingest_time is not None:
        came = pl.coalesce(contract.ingest_time, came)
    late = came - pl.col(contract.event_time) > contract.allowed_lateness
    return frame.select(late.fill_null(False).alias(_HELD)).to_series()


def _with_provenance(frame: pl.DataFrame, contract: Contract, context: PartContext) -> pl.DataFrame:
    return frame.select(
        *contract.content_columns,
        pl.lit(context.fetch_id).alias("_fetch_id"),
        pl.lit(context.part).alias("_part"),
        pl.col("_line").cast(pl.Int64),
        pl.lit(context.landed_at, dtype=pl.Datetime("us", "UTC")).alias("_landed_at"),
        pl.lit(contract.version, dtype=pl.Int64).alias("_contract_version"),
    )
