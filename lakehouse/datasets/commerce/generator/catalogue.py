"""What the shops sell and how it is written: fragments of JSON, made once, from which lines are put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

PRODUCTS = 1_200
MOST_PIECES = 4
_COLOURS = ("Red", "Blue", "White", "Green", "Vintage", "Small", "Large", "Wooden")
_THINGS = ("Cup", "Lantern", "Plate", "Clock", "Bag", "Candle", "Frame", "Bowl", "Card Holder", "Bottle")
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Catalogue:
    """`prices`: in thousandths. Of each version, `texts`: product p in n pieces at `p * MOST_PIECES + n - 1`; `shown`: the product alone."""

    prices: Numbers
    codes: pl.Series
    names: pl.Series
    price_texts: pl.Series
    texts: tuple[pl.Series, pl.Series]
    shown: tuple[pl.Series, pl.Series]

    @classmethod
    def make(cls, rng: np.random.Generator) -> Catalogue:
        """A catalogue with prices of two and of three decimals."""
        prices = np.round(np.exp(rng.normal(1.6, 0.9, PRODUCTS)) * 100).astype(np.int64) * 10 + 10
        prices += rng.integers(0, 10, PRODUCTS) * (rng.random(PRODUCTS) < 0.15)
        codes = [f"P{n:05d}" for n in range(PRODUCTS)]
        names = [f"{_COLOURS[n % len(_COLOURS)]} {_THINGS[n // len(_COLOURS) % len(_THINGS)]} {n}" for n in range(PRODUCTS)]
        texts = [money(int(price)) for price in prices]
        goods = list(zip(codes, names, texts, strict=True))
        pieces = range(1, MOST_PIECES + 1)
        first = [f'{{"product_id":"{c}","name":"{n}","qty":{q},"price":"{p}"}}' for c, n, p in goods for q in pieces]
        second = [f'{{"sku":"{c}","name":"{n}","quantity":{q},"unit_price":"{p}"}}' for c, n, p in goods for q in pieces]
        shown = (
            [f'{{"product_id":"{c}","name":"{n}","price":"{p}"}}' for c, n, p in goods],
            [f'{{"sku":"{c}","name":"{n}","unit_price":"{p}"}}' for c, n, p in goods],
        )
        return cls(
            prices,
            pl.Series(codes),
            pl.Series(names),
            pl.Series(texts),
            (pl.Series(first), pl.Series(second)),
            (pl.Series(shown[0]), pl.Series(shown[1])),
        )


def money(thousandths: int) -> str:
    """Thousandths as text: two decimals, or three where there are three."""
    text = f"{thousandths // 1000}.{thousandths % 1000:03d}"
    return text.removesuffix("0")
