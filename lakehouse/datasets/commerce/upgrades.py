"""What the producers of the `events` feed changed from one schema version to the next, as pure functions (see `contracts.versions`).

2: `timestamp` is `event_time`, `merchant_id` is `tenant_id`, `user` is `customer`, `item` is `product`, `order.items` are `order.lines`;
   in them `product_id`, `qty` and `price` are `sku`, `quantity` and `unit_price`; `model_scores` moved into `ml_context`.
"""

from __future__ import annotations

import polars as pl

from lakehouse.contracts.versions import Upgrade

_LINE = {"product_id": "sku", "name": "name", "qty": "quantity", "price": "unit_price"}
_RENAMED = {"timestamp": "event_time", "merchant_id": "tenant_id", "user": "customer"}


def from_1_to_2(records: pl.DataFrame) -> pl.DataFrame:
    """Records of version 1 in the layout of version 2."""
    order, scores = pl.col("order"), pl.col("model_scores")
    items = order.struct.field("items")
    lines = _of(items, items.list.eval(_line(pl.element())))
    return records.with_columns(
        *(pl.col(old).alias(new) for old, new in _RENAMED.items()),
        *(_nothing(pl.col(old)) for old in (*_RENAMED, "item", "model_scores")),
        product=_of(pl.col("item"), _line(pl.col("item"))),
        ml_context=_of(scores, pl.struct(scores)),
        order=_of(order, order.struct.with_fields(_nothing(items).alias("items"), lines.alias("lines"))),
    )


def _line(item: pl.Expr) -> pl.Expr:
    return pl.struct(item.struct.field(old).alias(new) for old, new in _LINE.items())


def _of(old: pl.Expr, new: pl.Expr) -> pl.Expr:
    return pl.when(old.is_not_null()).then(new)


def _nothing(old: pl.Expr) -> pl.Expr:
    return pl.when(pl.lit(value=False)).then(old)


UPGRADES: tuple[Upgrade, ...] = (from_1_to_2,)
