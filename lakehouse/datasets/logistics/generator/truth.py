"""What a sample holds, counted while it is made."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.accounts.truth import Counts, SampleTruth
from lakehouse.datasets.logistics.generator.exports import order_books, order_steps
from lakehouse.datasets.logistics.generator.lines import NOT_PLACED, RULES
from lakehouse.datasets.logistics.generator.options import Arguments
from lakehouse.datasets.logistics.generator.shipments import CREATED, POSITION, SCAN, STATUS, STATUSES
from lakehouse.datasets.logistics.generator.world import CODES


@dataclass
class Tally:
    """Counts so far. `days`: kept rows by the day of their record. `facts`: what the marts must say."""

    arguments: Arguments
    books: Books = field(default_factory=Books)
    unplaced: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)

    def take_events(self, lines: pl.DataFrame) -> None:
        """Count the lines of events: all lines of a shipment must be among them."""
        fates: Counter[str] = Counter(dict(lines["fate"].value_counts().iter_rows()))
        records = lines.height - fates["unreadable"]
        self.books += Books(
            lines=lines.height, unreadable=fates["unreadable"], records=records, rows=records, quarantined=fates["quarantined"], held=fates["held"],
            duplicate=fates["duplicate"], kept=fates["kept"],
        )  # fmt: skip
        found = Counter(dict(lines["defect"].drop_nulls().value_counts().iter_rows()))
        self.defects += found
        self.unplaced += sum(found[name] for name in NOT_PLACED)
        for name, rule in RULES.items():
            self.rules[rule] += found[name]
        kept = lines.filter(pl.col("fate") == "kept")
        self._count_days(kept["at"])
        kinds = dict(kept["kind"].value_counts().iter_rows())
        self.facts["scans"] += kinds.get(SCAN, 0)
        self.facts["positions"] += kinds.get(POSITION, 0)
        self._take_shipments(kept.filter(pl.col("kind").is_in([CREATED, STATUS])))

    def _take_shipments(self, steps: pl.DataFrame) -> None:
        of = {name: pl.col("at").filter(pl.col("status") == nth).min() for nth, name in enumerate(STATUSES)}
        promised = pl.col("promised").filter(pl.col("kind") == CREATED).min()
        shipments = steps.group_by("shipment").agg(promised=promised, **of)
        delivered, day = pl.col("delivered"), 86_400_000
        told = shipments.select(
            shipments=pl.len(),
            delivered=delivered.is_not_null().sum(),
            late_by_timestamp=(delivered > pl.col("promised")).sum(),
            late_by_day=(delivered // day > pl.col("promised") // day).sum(),
            created_after_picked_up=(pl.col("created") > pl.col("picked_up")).sum(),
            out_for_delivery_after_delivered=(pl.col("out_for_delivery") > delivered).sum(),
        )
        self.facts.update(told.row(0, named=True))
        for code, count in steps.filter(pl.col("code") >= 0)["code"].value_counts().iter_rows():
            self.facts[f"exception_{CODES[code]}"] += count

    def take_orders(self, first: pl.DataFrame, second: pl.DataFrame) -> None:
        """Count two exports of orders."""
        alone = order_books(first) + order_books(second)
        steps = pl.concat([order_steps(first), order_steps(second)]).unique()
        self.books += msgspec.structs.replace(alone, kept=steps.height, duplicate=alone.kept - steps.height)
        self.unplaced += alone.unreadable
        self.rules["unsplittable"] += alone.unreadable
        self.rules["time_unreadable"] += alone.quarantined
        begun = steps.filter(pl.col("status") == "created").select("order", begun="at")
        self._count_days(steps.join(begun, on="order")["begun"])  # all steps of an order lie in the day of its purchase
        self.facts.update({"orders": begun.height, "order_steps": steps.height})
        self.facts["order_steps_corrected"] += int(steps.select("order", "status").is_duplicated().sum()) // 2
        self.facts["order_lines"] += first.height + second.height

    def take_flights(self, day: dt.date, flights: pl.DataFrame) -> None:
        """Count the flights of a day."""
        count = flights.height
        self.books += Books(lines=count, records=count, rows=count, kept=count)
        self.days[str(day)] += count
        self.facts.update({"flights": count, "flights_cancelled": int(flights["cancelled"].sum())})

    def _count_days(self, at: pl.Series) -> None:
        for day, count in at.cast(pl.Datetime("ms")).dt.date().value_counts().iter_rows():
            self.days[str(day)] += count

    def truth(self) -> SampleTruth:
        """The truth of all that was taken."""
        fetch = FetchBooks(read=self.books.lines, placed=self.books.lines - self.unplaced, unplaced=self.unplaced)
        counts = Counts(fetch=fetch, books=self.books, rules=_present(self.rules), days=_present(self.days))
        return SampleTruth(msgspec.to_builtins(self.arguments), counts, defects=_present(self.defects), facts=_present(self.facts))


def _present(counts: Counter[str]) -> dict[str, Any]:
    return {name: count for name, count in sorted(counts.items()) if count}
