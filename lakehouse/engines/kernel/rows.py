"""One block of lines through the kernel: text in, rows, quarantine and books out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from lakehouse.accounts.books import Books, total
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import Transform
from lakehouse.engines.kernel import census, decode, quarantine, tokens, validate
from lakehouse.engines.kernel.origin import Origin, Piece, Places
from lakehouse.settings import TokenKey

_HELD, _FILTERED = "_held", "_filtered"
_NONE_BAD = pl.DataFrame(
    schema={"index": pl.Int64, "rule": pl.String, "field": pl.String, "_place": pl.Int64, "_row": pl.Int64, "event_time": pl.Datetime("us", "UTC")}
)


@dataclass(frozen=True)
class BlockResult:
    """`rows`: candidates for the table, tokenised, with provenance; duplicates are still in. `parts`: part -> books, with their number as `kept`.

    `filtered_rules`: (application, rule) -> rows.
    """

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    parts: dict[str, Books]
    census: census.Census
    unknown_values: Counter[str]
    filtered_rules: Counter[tuple[str, str]]

    @property
    def books(self) -> Books:
        """The sum over its parts."""
        return total(self.parts.values())


def process_block(
    block: bytes, pieces: Sequence[Piece], *, contract: Contract, transform: Transform, key: TokenKey, fast: bool = True
) -> BlockResult:
    """Decode, count, normalise, tokenise, validate, filter and hold the lines of a block. `pieces`: where they come from, in their order."""
    origin = Origin(pieces)
    erased, superseded = origin.erased(), origin.superseded()
    decoded = decode.decode(block, 0, contract, skip=frozenset([*erased.tolist(), *superseded.tolist()]), fast=fast)
    records = replace(decoded.records, repeats=origin.repeats(decoded.numbers)) if contract.numbered_repeats else decoded.records
    frame = transform(records, contract)
    faults = [*decoded.faults, *_rowless(decoded, frame)]
    frame = tokens.tokenise(_placed(frame, decoded.numbers), contract, key)
    bad = _bad_rows(frame, contract, origin)
    good = _without(frame, pl.Series(np.isin(np.arange(frame.height), bad["index"].to_numpy())))
    filtered = _marked(good, _FILTERED)
    sound = _without(good, filtered)
    held = _late(sound, contract, origin)
    kept = _without(sound, held)
    late = sound.filter(held) if held.any() else sound.clear()
    refused = np.array([f.number for f in faults if f.is_record], np.int64)
    books = origin.books(
        blank=decoded.blank,
        erased=erased,
        superseded=superseded,
        unreadable=np.array([f.number for f in faults if not f.is_record], np.int64),
        records=np.concatenate([decoded.numbers, [f.number for f in decoded.faults if f.is_record]]).astype(np.int64),
        rows=np.concatenate([_places(frame), refused]),
        quarantined=np.concatenate([_places(bad), refused]),
        filtered=_places(good.filter(filtered)) if filtered.any() else np.empty(0, np.int64),
        held=_places(late),
        kept=_places(kept),
    )
    return BlockResult(
        _with_provenance(kept, contract, origin),
        pl.concat([quarantine.of_faults(faults, origin), quarantine.of_rows(bad, origin), quarantine.of_held(late, contract.event_time, origin)]),
        books,
        _nameless(census.take_census(decoded.records, contract.record), key),
        Counter({tokens.scrub_text(value, key): count for value, count in validate.unknown_values(kept, contract).items()}),
        _filtered_rules(good.filter(filtered), origin) if filtered.any() else Counter(),
    )


def _placed(frame: pl.DataFrame, numbers: Places) -> pl.DataFrame:
    """The frame with `_place` (of its line in the block) and, counted from 0 in each record, `_row`. Rows of a record stand together."""
    records = frame["_record"].to_numpy().astype(np.int64)
    if (np.diff(records) < 0).any():
        raise TypeError("a transform broke its promise: expected the rows of a record together, in the order of the records")
    begins = np.flatnonzero(np.diff(records, prepend=-1))
    rows = np.arange(len(records)) - np.repeat(begins, np.diff(begins, append=len(records)))
    return frame.with_columns(pl.Series("_place", numbers[records]), pl.Series("_row", rows, dtype=pl.Int64))


def _places(frame: pl.DataFrame) -> Places:
    return frame["_place"].to_numpy()


def _without(frame: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """The rows that are not marked; the frame itself, uncopied, where none is."""
    return frame.filter(~mask) if mask.any() else frame


def _nameless(found: census.Census, key: TokenKey) -> census.Census:
    """The census with tokens in place of addresses: a producer may use them as names of fields."""
    result: census.Census = Counter()
    for (path, kind, declared), count in found.items():
        result[path if declared else tokens.scrub_text(path, key), kind, declared] += count
    return result


def _rowless(decoded: decode.Decoded, frame: pl.DataFrame) -> list[decode.Fault]:
    """Records of which the transform made no row: each is one quarantined row."""
    there = np.zeros(len(decoded.numbers), bool)
    there[frame["_record"].to_numpy()] = True
    return [decode.Fault(int(n), "no_rows", None, "the record tells of no event", is_record=True) for n in decoded.numbers[~there]]


def _bad_rows(frame: pl.DataFrame, contract: Contract, origin: Origin) -> pl.DataFrame:
    """Rows to quarantine: `index`, `rule`, `field`, `_place`, `_row`, `event_time`; each row once."""
    time, grain = contract.event_time, origin.grain
    faults = validate.find_faults(frame, contract).rename({"row": "index"})
    strays = not contract.rows_span_days and not _within(frame[time], grain)
    if not faults.height and not strays and grain.kind != "unplaced":
        return _NONE_BAD
    facts = frame.with_row_index("index").select("index", "_place", "_row", event_time=time)
    if grain.kind == "unplaced":
        faults = _without_place(facts, time, origin)  # why a line has no place comes before what else is wrong with it
    elif strays:
        inside = pl.col("event_time").is_between(grain.start, grain.end, closed="left")
        lost = facts.filter(~inside).select("index", rule=pl.lit("misrouted"), field=pl.lit(time))
        faults = pl.concat([faults, lost]).unique("index", keep="first", maintain_order=True)
    return faults.join(facts, on="index", how="left", maintain_order="left").with_columns(pl.col("index").cast(pl.Int64))


def _within(times: pl.Series, grain: Grain) -> bool:
    low: Any = times.min()
    high: Any = times.max()
    return low is None or bool(grain.start <= low and high < grain.end)


def _without_place(facts: pl.DataFrame, time: str, origin: Origin) -> pl.DataFrame:
    """Why the rows of unplaced lines have no place.

    The router judged the future by a clock between the beginning and the end of the fetch. What lies between the start of the lake and that clock has
    a place, so any instant in between tells the two apart: the beginning, which stands in the name of the part.
    """
    places = _places(facts)
    sealed = [c.sealed for c in origin.contexts]
    days = facts["event_time"].dt.date()
    of_sealed = pl.Series([day in sealed[piece] for day, piece in zip(days, origin.pieces(places), strict=True)], dtype=pl.Boolean)
    return facts.with_columns(origin.column("started_at", places), of_sealed.alias("sealed")).select(
        "index",
        rule=pl.when(pl.col("event_time").is_null())
        .then(pl.lit("time_unreadable"))
        .when(pl.col("event_time") > pl.col("started_at"))
        .then(pl.lit("in_future"))
        .when(pl.col("sealed").any().over("_place"))  # a record that tells of a day that was sealed before its line landed
        .then(pl.lit("day_sealed"))
        .otherwise(pl.lit("before_start")),
        field=pl.lit(time),
    )


def _marked(frame: pl.DataFrame, column: str) -> pl.Series:
    if column in frame.columns:
        return frame[column].is_not_null()
    return pl.Series(column, [False], dtype=pl.Boolean).new_from_index(0, frame.height)


def _filtered_rules(frame: pl.DataFrame, origin: Origin) -> Counter[tuple[str, str]]:
    """(application, rule) -> rows that are filtered."""
    counts = frame.select(origin.column("application", _places(frame)), _FILTERED).group_by(pl.all()).len()
    return Counter({(application, rule): count for application, rule, count in counts.iter_rows()})


def _late(frame: pl.DataFrame, contract: Contract, origin: Origin) -> pl.Series:
    """Rows that came later than the contract allows: by their ingest time, else by what had been read before their fetch; never by when this runs."""
    if not contract.holds_late or all(c.released for c in origin.contexts):
        return _marked(frame, _HELD)
    places = _places(frame)
    came = pl.lit(origin.column("reference_time", places))
    if contract.ingest_time is not None:
        came = pl.coalesce(contract.ingest_time, came)
    late = (came - pl.col(contract.event_time) > _allowed(contract)) & ~pl.lit(origin.column("released", places))
    return frame.select(late.fill_null(False).alias(_HELD)).to_series()


def _allowed(contract: Contract) -> pl.Expr:
    """What lateness is allowed for each row; null where any is."""
    usual = pl.lit(contract.allowed_lateness, dtype=pl.Duration("us"))
    if contract.allowed_lateness_by is None:
        return usual
    by = dict(contract.allowed_lateness_by.allowed)
    return pl.col(contract.allowed_lateness_by.column).replace_strict(by, default=usual, return_dtype=pl.Duration("us"))


def _with_provenance(frame: pl.DataFrame, contract: Contract, origin: Origin) -> pl.DataFrame:
    places = _places(frame)
    return frame.select(
        *contract.content_columns,
        origin.column("fetch_id", places).alias("_fetch_id"),
        origin.column("part", places).alias("_part"),
        origin.lines(places).alias("_line"),
        origin.column("landed_at", places).alias("_landed_at"),
        pl.lit(contract.version, dtype=pl.Int64).alias("_contract_version"),
    )
