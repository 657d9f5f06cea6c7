"""Visits of a day as arrays: who came when, what was looked at, put into the cart, ordered and cancelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lakehouse.datasets.commerce.generator.catalogue import MOST_PIECES, PRODUCTS, Numbers

KINDS = ("page_view", "product_viewed", "cart_item_added", "checkout_started", "order_placed", "order_cancelled")
VIEW, PRODUCT, CART, CHECKOUT, ORDER, CANCEL = range(len(KINDS))
EVENTS_PER_VISIT = 5.5
_HOURS = np.array([2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 12, 12, 13, 14, 15, 16, 14, 10, 6, 3], float)
_CUSTOMERS = 4_000  # of a merchant
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Visits:
    """Visits and their events, those of a visit together and in their order.

    Per visit: `tenant`, `customer` (-1: not logged in), `carts` (lines of its order), `first_cart` (place of the first). Per event: `visit`, `kind`,
    `place` in its visit, `at` (milliseconds of the day), `product` and `pieces` (of what is looked at or put in). Per thing in a cart:
    `cart_product`, `cart_pieces`.
    """

    tenant: Numbers
    customer: Numbers
    carts: Numbers
    first_cart: Numbers
    visit: Numbers
    kind: Numbers
    place: Numbers
    at: Numbers
    product: Numbers
    pieces: Numbers
    cart_product: Numbers
    cart_pieces: Numbers

    @property
    def lines(self) -> Numbers:
        """How many rows each event is."""
        of_order = (self.kind == ORDER) | (self.kind == CANCEL)
        return np.where(of_order, self.carts[self.visit], 1)


def make_visits(rng: np.random.Generator, count: int, merchants: int) -> Visits:
    """So many visits of a day, over merchants of very different sizes."""
    weights = 1 / np.arange(1, merchants + 1) ** 1.1
    tenant = rng.choice(merchants, count, p=weights / weights.sum())
    customer = np.where(rng.random(count) < 0.7, (rng.beta(1, 3, count) * _CUSTOMERS).astype(np.int64), -1)
    seen = rng.poisson(1.6, count)
    carts = rng.binomial(seen, 0.35)
    checkout = (carts > 0) & (rng.random(count) < 0.6)
    order = checkout & (rng.random(count) < 0.7)
    cancel = order & (rng.random(count) < 0.06)
    counts = np.stack([1 + rng.poisson(2.0, count), seen, carts, checkout, order, cancel], axis=1).astype(np.int64)
    per_visit = counts.sum(axis=1)
    visit = np.repeat(np.arange(count), per_visit)
    kind = np.repeat(np.tile(np.arange(len(KINDS)), count), counts.ravel())
    place = np.arange(len(visit)) - np.repeat(np.cumsum(per_visit) - per_visit, per_visit)
    hour = rng.choice(24, count, p=_HOURS / _HOURS.sum())
    begin = (hour * 3_600_000 + rng.integers(0, 3_600_000, count)).clip(max=84_000_000)
    at = begin[visit] + place * rng.integers(2_000, 40_000, count)[visit]
    things = int(carts.sum())
    cart_product, cart_pieces = _popular(rng, things), rng.integers(1, MOST_PIECES + 1, things)
    product, pieces = _popular(rng, len(visit)), np.ones(len(visit), np.int64)
    product[kind == CART], pieces[kind == CART] = cart_product, cart_pieces
    return Visits(
        tenant, customer, carts.astype(np.int64), np.cumsum(carts) - carts, visit, kind, place, at.clip(max=86_399_999), product,
        pieces, cart_product, cart_pieces,
    )  # fmt: skip


def _popular(rng: np.random.Generator, count: int) -> Numbers:
    return (rng.beta(0.6, 3, count) * PRODUCTS).astype(np.int64)
