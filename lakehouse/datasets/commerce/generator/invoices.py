"""The retail feed of a day: a CSV of invoice lines without an id, cancellations among them, identical lines and lines that are none."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from lakehouse.accounts.books import Books
from lakehouse.datasets.commerce.contract import RETAIL_FIELDS
from lakehouse.datasets.commerce.generator.catalogue import PRODUCTS, Catalogue
from lakehouse.datasets.commerce.generator.options import Arguments

COUNTRIES = ("United Kingdom", "Germany", "France", "EIRE", "Spain", "Norway")
HEADER = ",".join(RETAIL_FIELDS)
_LINES_PER_INVOICE = 15
_CANCELLED = 0.02
_UNKNOWN_CUSTOMER = 0.25
_FAULTS = ("unsplittable", "bad_number", "bad_price")


@dataclass(frozen=True)
class InvoiceDay:
    """Lines of a file. `frame`: `line`, `fault` (null: sound), `tenant`, `thousandths` (of the amount) and `is_cancelled` of each, in their order."""

    day: dt.date
    frame: pl.DataFrame

    @property
    def books(self) -> Books:
        """What becomes of the lines, read once."""
        lines, faults = self.frame.height, self.faults
        split = lines - faults.get("unsplittable", 0)
        kept = lines - sum(faults.values())
        return Books(lines=lines, unreadable=lines - split, records=split, rows=split, quarantined=split - kept, kept=kept)

    @property
    def faults(self) -> dict[str, int]:
        """Lines by fault."""
        return dict(self.frame["fault"].drop_nulls().value_counts().iter_rows())

    @property
    def sound(self) -> pl.DataFrame:
        """The lines that are rows."""
        return self.frame.filter(pl.col("fault").is_null())


def make_invoices(rng: np.random.Generator, arguments: Arguments, nth: int, catalogue: Catalogue) -> InvoiceDay:
    """The invoice lines of the nth day."""
    day, count = arguments.dates[nth], round(arguments.invoice_lines / arguments.days)
    invoices = max(1, round(count / _LINES_PER_INVOICE))
    owner = np.sort(rng.integers(0, invoices, count))
    minute = np.sort(rng.integers(6 * 60, 18 * 60, invoices))
    country = rng.choice(len(COUNTRIES), invoices, p=np.array([88, 4, 3, 2, 2, 1]) / 100)
    customer = np.where(rng.random(invoices) < _UNKNOWN_CUSTOMER, 0, 12_000 + rng.integers(0, 900, invoices) * 6 + country)
    sold = pl.DataFrame(
        {
            "number": 500_000 + nth * 20_000 + owner,
            "product": (rng.beta(0.6, 3, count) * PRODUCTS).astype(np.int64),
            "quantity": rng.integers(1, 25, count),
            "minute": minute[owner],
            "customer": customer[owner],
            "country": country[owner],
            "is_cancelled": np.zeros(count, bool),
        }
    )
    back = sold.filter(pl.Series(rng.random(count) < _CANCELLED)).with_columns(
        number=pl.col("number") + 10_000, quantity=-pl.col("quantity"), minute=pl.col("minute") + 300, is_cancelled=pl.lit(value=True)
    )
    rows = pl.concat([sold, back]).sort("minute", maintain_order=True)
    faults = np.searchsorted(np.cumsum([getattr(arguments.defects, name) for name in _FAULTS]), rng.random(rows.height), side="right")
    fault = pl.Series("fault", [*_FAULTS, None], dtype=pl.String).gather(faults)
    frame = _lines(rows.with_columns(fault), day, catalogue)
    copies = pl.Series(np.where(rng.random(frame.height) < arguments.defects.repeated, 2, 1)).cast(pl.UInt32)
    again = pl.select(pl.int_range(frame.height, dtype=pl.UInt32).repeat_by(pl.lit(copies)).explode()).to_series()
    return InvoiceDay(day, frame[again])


def one_more(day: InvoiceDay) -> InvoiceDay:
    """The file with one sound line more."""
    line = f"{499_999},P00000,One more,1,{day.day} 23:59:00,1.255,,{COUNTRIES[0]}"
    more = pl.DataFrame(
        {"line": [line], "fault": [None], "tenant": [COUNTRIES[0]], "thousandths": [1_255], "is_cancelled": [False]}, schema=day.frame.schema
    )
    return InvoiceDay(day.day, pl.concat([day.frame, more]))


def _lines(rows: pl.DataFrame, day: dt.date, catalogue: Catalogue) -> pl.DataFrame:
    product = pl.col("product")
    name = pl.concat_str(pl.lit('"SET OF 3, '), pl.lit(catalogue.names).gather(product).str.to_uppercase(), pl.lit('"'))
    time = pl.lit(day).cast(pl.Datetime("us")) + pl.duration(minutes="minute")
    price, even = pl.lit(catalogue.price_texts).gather(product), pl.col("number") % 2 == 0
    text = pl.concat_str(
        pl.when(pl.col("is_cancelled")).then(pl.lit("C")).otherwise(pl.lit("")), pl.col("number").cast(pl.String), pl.lit(","),
        pl.lit(catalogue.codes).gather(product), pl.lit(","), name, pl.lit(","),
        pl.when((pl.col("fault") == "bad_number").fill_null(value=False) & even).then(pl.lit("six")).otherwise(pl.col("quantity").cast(pl.String)),
        pl.lit(","), time.dt.to_string("%Y-%m-%d %H:%M:%S"), pl.lit(","),
        pl.when((pl.col("fault") == "bad_number").fill_null(value=False) & ~even)
        .then(pl.lit("free"))
        .when((pl.col("fault") == "bad_price").fill_null(value=False))
        .then(pl.concat_str(pl.lit("1."), pl.lit("2345")))
        .otherwise(price),
        pl.lit(","), pl.when(pl.col("customer") > 0).then(pl.concat_str(pl.col("customer").cast(pl.String), pl.lit(".0"))).otherwise(pl.lit("")),
        pl.lit(","), pl.lit(pl.Series(COUNTRIES)).gather(pl.col("country")),
    )  # fmt: skip
    unsplittable = (pl.col("fault") == "unsplittable").fill_null(value=False)
    return rows.select(
        pl.when(unsplittable).then(pl.concat_str(pl.col("number").cast(pl.String), pl.lit(",cut off"))).otherwise(text).alias("line"),
        "fault",
        pl.lit(pl.Series(COUNTRIES)).gather(pl.col("country")).alias("tenant"),
        (pl.col("quantity") * pl.lit(pl.Series(catalogue.prices)).gather(product)).alias("thousandths"),
        "is_cancelled",
    )
