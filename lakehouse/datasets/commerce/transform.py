"""Records of both feeds to rows: a line of a CSV is a row, an order is as many rows as it has lines, any other event is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from lakehouse.contracts.decimals import decimals
from lakehouse.contracts.extra import extra_column
from lakehouse.contracts.model import Contract
from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import frame_schema, polars_type
from lakehouse.contracts.versions import UNKNOWN_VERSION, upgrade
from lakehouse.datasets.commerce.contract import AMOUNT, MONEY, MOST, RETAIL_FIELDS, RETAIL_TIME
from lakehouse.datasets.commerce.identity import row_hashes
from lakehouse.datasets.commerce.upgrades import UPGRADES
from lakehouse.datasets.model import Records

_RECORD, _REPEAT = "_record", "repeat"
_FAULTS = pl.List(pl.String)
_WHOLE = r"^-?[0-9]{1,18}$"


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """The rows of a block of records (see `Transform`)."""
    frame: Any = pl.from_arrow(records.table)
    repeats = records.repeats if records.repeats is not None else np.ones(frame.height, np.int64)
    frame = frame.with_columns(pl.Series(_RECORD, np.arange(frame.height), dtype=pl.UInt32), pl.Series(_REPEAT, repeats, dtype=pl.Int64))
    is_retail = frame.select(pl.any_horizontal(pl.col(name).is_not_null() for name in RETAIL_FIELDS)).to_series()
    made = [_typed(rows, contract) for rows in (_retail(frame.filter(is_retail)), _events(frame.filter(~is_retail))) if rows.height]
    rows = pl.concat(made) if made else _typed(_retail(frame), contract)
    if len(made) > 1:
        rows = rows.sort(_RECORD, maintain_order=True)  # the lines of an order stay in their order
    return rows.with_columns(extra_column(records.extra, rows[_RECORD]))


def _typed(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The contract's columns, typed; those that a feed does not know are null."""
    columns = (
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, dtype=kind).alias(name) for name, kind in frame_schema(contract).items()
    )
    return rows.select(*columns, "_faults", _RECORD)


def _retail(frame: pl.DataFrame) -> pl.DataFrame:
    """Invoice lines: every row of the file is one, told apart from its likes by `repeat`."""
    texts = frame.select(*(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in RETAIL_FIELDS), _RECORD, _REPEAT)
    invoice, quantity = pl.col("InvoiceNo"), _integer(pl.col("Quantity"))
    rows = texts.select(
        _RECORD,
        _REPEAT,
        parse_times(texts["InvoiceDate"], RETAIL_TIME).alias("event_time"),
        row_hashes([frame[name] for name in RETAIL_FIELDS]).alias("event_id"),
        pl.col("Quantity", "UnitPrice"),
        tenant="Country",
        feed=pl.lit("retail"),
        line_index=pl.lit(0),
        event_type=pl.when(invoice.str.starts_with("C"))
        .then(pl.lit("order_cancelled"))
        .when(invoice.str.starts_with("A"))
        .then(pl.lit("order_adjusted"))
        .when(quantity < 0)
        .then(pl.lit("stock_adjusted"))
        .otherwise(pl.lit("order_placed")),
        order_id=invoice,
        stock_code="StockCode",
        description="Description",
        quantity=quantity,
        unit_price=decimals(pl.col("UnitPrice"), MONEY),
        currency=pl.lit("GBP"),
        customer_id=pl.col("CustomerID").str.replace(r"^([0-9]+)\.0$", "$1"),  # written by a program that held it for a float
    )
    required = ("tenant", "order_id", "stock_code")
    return rows.with_columns(_amount()).with_columns(
        _faults(
            {
                "time_unreadable:event_time": pl.col("event_time").is_null(),
                **{f"missing_required:{name}": pl.col(name).is_null() for name in required},
                "missing_required:quantity": pl.col("Quantity").is_null(),
                "not_a_number:quantity": pl.col("quantity").is_null(),
                "missing_required:unit_price": pl.col("UnitPrice").is_null(),
                "not_a_decimal:unit_price": pl.col("unit_price").is_null(),
            }
        )
    )


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    """Events of shops, in the newest schema version; an order is a row per line."""
    frame, unknown = upgrade(frame, frame["schema_version"], UPGRADES)
    order, cancelled = pl.col("order").struct, pl.col("event_type") == "order_cancelled"
    lines = order.field("lines")
    # What has no lines is a list of one: its product, or nothing. Of a version that nobody knows no line is looked at: it is one row, refused.
    one = pl.concat_list(pl.when(~unknown).then(pl.col("product")))
    told = frame.with_columns(
        unknown.alias("_unknown"),
        _lines=pl.when(~unknown & (lines.list.len() > 0)).then(lines).otherwise(one),
        line_count=pl.when(~unknown).then(lines.list.len()).cast(pl.Int64),
    )
    told = told.with_columns(line_index=pl.int_ranges(pl.col("_lines").list.len())).explode("_lines", "line_index")
    line, person, scores = pl.col("_lines").struct, pl.col("customer").struct, pl.col("ml_context").struct.field("model_scores").struct
    quantity, price = line.field("quantity"), line.field("unit_price")
    rows = told.select(
        _RECORD,
        "_unknown",
        "line_index",
        "line_count",
        "event_id",
        "event_type",
        "session_id",
        "page_url",
        "processing_flags",
        parse_times(told["event_time"]).alias("event_time"),
        price.alias("_price"),
        tenant="tenant_id",
        feed=pl.lit("events"),
        repeat=pl.lit(1),
        record_version="schema_version",
        order_id=order.field("order_id"),
        cancels_order_id=pl.when(cancelled).then(order.field("order_id")),
        reason=order.field("reason"),
        stock_code=line.field("sku"),
        description=line.field("name"),
        # As the invoices write it: what is cancelled is below 0.
        quantity=pl.when(cancelled & (quantity > 0)).then(-quantity).otherwise(quantity),
        unit_price=decimals(price, MONEY),
        currency=order.field("currency"),
        customer_id=person.field("id"),
        customer_email=person.field("email"),
        fraud_score=scores.field("fraud"),
        churn_score=scores.field("churn"),
        propensity_score=scores.field("propensity"),
        pii_contains=pl.col("processing_flags").list.contains("pii_contains"),
        gdpr_region=pl.col("gdpr").struct.field("region"),
        gdpr_consent=pl.col("gdpr").struct.field("consent"),
        producer=pl.col("lineage").struct.field("producer"),
        trace_id=pl.col("lineage").struct.field("trace_id"),
    )
    return rows.with_columns(_amount()).with_columns(_event_faults())


def _event_faults() -> pl.Expr:
    placed = pl.col("event_type") == "order_placed"
    of_order = placed | (pl.col("event_type") == "order_cancelled")
    return _faults(
        {
            f"{UNKNOWN_VERSION}:record_version": pl.col("_unknown"),
            "time_unreadable:event_time": pl.col("event_time").is_null(),
            **{f"missing_required:{name}": pl.col(name).is_null() for name in ("record_version", "tenant", "event_id", "event_type")},
            "missing_required:order_id": of_order & pl.col("order_id").is_null(),
            "missing_required:line_count": placed & (pl.col("line_count").fill_null(0) == 0),
            "not_a_decimal:unit_price": pl.col("_price").is_not_null() & pl.col("unit_price").is_null(),
            **{f"missing_required:{name}": placed & pl.col(name).is_null() for name in ("stock_code", "quantity", "unit_price", "currency")},
        }
    )


def _integer(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_WHOLE)).then(text).cast(pl.Int64)


def _amount() -> pl.Expr:
    """Of what belongs to an order. Quantities out of range have none: their rows are refused, and no product may overflow on the way there."""
    quantity = pl.when(pl.col("order_id").is_not_null() & pl.col("quantity").is_between(-MOST, MOST)).then(pl.col("quantity"))
    exact = pl.Decimal(AMOUNT.precision, 0)
    return (quantity.cast(exact) * pl.col("unit_price")).cast(polars_type(AMOUNT)).alias("amount")


def _faults(told: dict[str, pl.Expr]) -> pl.Expr:
    """Per row the rules that its values broke before Pandera could see them: "rule:column"; the first one counts."""
    lists = pl.concat_list(pl.when(mask.fill_null(value=False)).then(pl.lit(rule)).otherwise(None) for rule, mask in told.items())
    return pl.when(pl.any_horizontal(told.values())).then(lists.list.drop_nulls()).cast(_FAULTS).alias("_faults")
