"""What a sample holds, counted while it is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import polars as pl

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.accounts.truth import Counts, SampleTruth
from lakehouse.datasets.commerce.generator.events import KINDS_OF_DEFECT, EventDay
from lakehouse.datasets.commerce.generator.invoices import InvoiceDay
from lakehouse.datasets.commerce.generator.options import Arguments
from lakehouse.datasets.commerce.generator.visits import CANCEL, CART, ORDER, PRODUCT

_RULES = {"malformed": "unreadable_json", "wrong_type": "changed_type", "missing_key": "missing_required", "unknown_version": "unknown_version"}
_RULES["bad_time"] = "time_unreadable"


@dataclass
class Tally:
    """Counts so far. `tenants`: name -> fact -> number."""

    arguments: Arguments
    books: Books = field(default_factory=Books)
    read: int = 0
    unplaced: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    tenants: dict[str, Counter[str]] = field(default_factory=dict)

    def take_events(self, day: EventDay) -> None:
        """Count the events of a day, with what the late file tells of them."""
        lines, kept = day.visits.lines, day.kept()
        twice = day.having("duplicate", "retold")
        one_row = day.having("wrong_type", "unknown_version")
        rows = np.where(one_row, 1, lines)
        broken = day.having("malformed")
        refused = ~kept & ~broken
        read = len(lines) + int(twice.sum())
        self.read += read
        self.unplaced += int(day.having("malformed", "bad_time").sum())
        self.books += Books(
            lines=read,
            unreadable=int(broken.sum()),
            records=read - int(broken.sum()),
            rows=int(rows[~broken].sum() + rows[twice].sum()),
            quarantined=int(rows[refused].sum()),
            duplicate=int(rows[twice].sum()),
            kept=int(lines[kept].sum()),
        )
        for name, rule in _RULES.items():
            self.rules[rule] += int(np.where(broken, 1, rows)[day.having(name)].sum())
        for nth, name in enumerate(KINDS_OF_DEFECT):
            self.defects[name] += int((day.defect == nth).sum())
        self.days[str(day.day)] += int(lines[kept].sum())
        self._take_tenants(day, lines, kept)

    def _take_tenants(self, day: EventDay, lines: Any, kept: Any) -> None:
        visits = day.visits
        sums = np.concatenate([[0], np.cumsum(day.catalogue.prices[visits.cart_product] * visits.cart_pieces)])
        worth = (sums[visits.first_cart + visits.carts] - sums[visits.first_cart])[visits.visit]
        frame = pl.DataFrame({"visit": visits.visit, "tenant": visits.tenant[visits.visit], "kind": visits.kind, "rows": lines, "worth": worth})
        kind, is_order, is_cancel = pl.col("kind"), pl.col("kind") == ORDER, pl.col("kind") == CANCEL
        told = (
            frame.filter(pl.Series(kept))
            .group_by("tenant")
            .agg(
                pl.col("rows").sum(),
                orders=is_order.sum(),
                thousandths=pl.col("worth").filter(is_order).sum(),
                cancelled_rows=pl.col("rows").filter(is_cancel).sum(),
                cancelled_thousandths=pl.col("worth").filter(is_cancel).sum(),
                visits=pl.col("visit").n_unique(),
                visits_with_product=pl.col("visit").filter(kind == PRODUCT).n_unique(),
                visits_with_cart=pl.col("visit").filter(kind == CART).n_unique(),
                visits_with_order=pl.col("visit").filter(is_order).n_unique(),
            )
        )
        for row in told.iter_rows(named=True):
            self._add(f"merchant_{row.pop('tenant') + 1}", row)

    def take_invoices(self, day: InvoiceDay, *, again: InvoiceDay | None = None) -> None:
        """Count the lines of a file; `again`: the same file with one line more, published later."""
        whole = again or day
        self._take_file(day)
        if again is not None:
            self._take_file(again)
            twice = day.books.kept
            self.books += Books(duplicate=twice, kept=-twice)
            self.days[str(day.day)] -= twice
            self.defects["lines_of_a_file_published_again"] += day.frame.height
        sound = whole.sound
        self.defects["repeated"] += sound.height - sound["line"].n_unique()
        cancelled = pl.col("is_cancelled")
        told = sound.group_by("tenant").agg(
            pl.len().alias("rows"),
            thousandths=pl.col("thousandths").filter(~cancelled).sum(),
            cancelled_rows=cancelled.sum(),
            cancelled_thousandths=-pl.col("thousandths").filter(cancelled).sum(),
        )
        for row in told.iter_rows(named=True):
            self._add(row.pop("tenant"), row)

    def _take_file(self, day: InvoiceDay) -> None:
        books, faults = day.books, day.faults
        self.books += books
        self.read += books.lines
        self.unplaced += faults.get("unsplittable", 0)
        self.days[str(day.day)] += books.kept
        self.rules["unsplittable"] += faults.get("unsplittable", 0)
        bad = day.frame.filter(pl.col("fault") == "bad_number")["line"].str.contains(",six,").sum()
        self.rules["not_a_number"] += int(bad)
        self.rules["not_a_decimal"] += faults.get("bad_number", 0) - int(bad) + faults.get("bad_price", 0)
        self.defects.update(faults)

    def _add(self, tenant: str, counts: dict[str, int]) -> None:
        self.tenants.setdefault(tenant, Counter()).update(counts)

    def truth(self) -> SampleTruth:
        """The truth of all that was taken."""
        fetch = FetchBooks(read=self.read, placed=self.read - self.unplaced, unplaced=self.unplaced)
        present = {rule: count for rule, count in sorted(self.rules.items()) if count}
        counts = Counts(fetch=fetch, books=self.books, rules=present, days=dict(sorted(self.days.items())))
        return SampleTruth(
            arguments=msgspec.to_builtins(self.arguments),
            total=counts,
            defects={name: count for name, count in sorted(self.defects.items()) if count},
            facts={"tenants": {name: _facts(told) for name, told in sorted(self.tenants.items())}},
        )


def _facts(told: Counter[str]) -> dict[str, Any]:
    """Money as text, the rest as numbers."""
    exact = {name.removesuffix("thousandths") + "amount": str(Decimal(told[name]) / 1000) for name in told if name.endswith("thousandths")}
    return {name: count for name, count in told.items() if not name.endswith("thousandths")} | exact
