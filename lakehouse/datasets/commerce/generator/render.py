"""Events as JSON, by columns: fragments are chosen and put together, no record is looked at by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from lakehouse.datasets.commerce.generator.catalogue import MOST_PIECES, Catalogue, Numbers
from lakehouse.datasets.commerce.generator.visits import CANCEL, CART, CHECKOUT, KINDS, ORDER, PRODUCT, VIEW, Visits

CURRENCIES = ("EUR", "GBP", "USD", "PLN")
_REGIONS = ("EU", "UK", "US", "EU")
_CUT_OFF = 90  # letters that are left of a malformed line
_PAGES = ("/", "/new", "/sale", "/search", "/help", "/account")


def event_lines(
    visits: Visits, chosen: Numbers, versions: Numbers, *, day: dt.date, first_visit: int, catalogue: Catalogue, spoilt: pl.Series
) -> pl.Series:
    """The lines of some events (places in `visits`), each in its schema version (1 or 2). `spoilt`: a defect that shows in the text, or null."""
    visit = visits.visit[chosen]
    frame = pl.DataFrame(
        {
            "kind": visits.kind[chosen],
            "version": versions,
            "at": visits.at[chosen],
            "tenant": visits.tenant[visit],
            "visit": visit + first_visit,
            "customer": visits.customer[visit],
            "place": visits.place[chosen],
            "spoilt": spoilt,
        }
    )
    goods = _changed(_goods(visits, chosen, versions, catalogue), spoilt == "price_as_number", _unquoted)
    frame = frame.with_columns(goods.alias("goods"))
    line = pl.concat_str(_opening(day), _person(), _body(day), _scores(), _closing())
    return _changed(frame.select(line.alias("line")).to_series(), spoilt == "malformed", lambda texts: texts.str.head(_CUT_OFF))


def visit_name(visit: pl.Expr, day: dt.date) -> pl.Expr:
    """The session of a visit's number."""
    return pl.concat_str(pl.lit(f"s{day:%y%m%d}-"), visit.cast(pl.String))


def _by_version(first: str, second: str) -> pl.Expr:
    return pl.when(pl.col("version") == 1).then(pl.lit(first)).otherwise(pl.lit(second))


def _is(defect: str) -> pl.Expr:
    return (pl.col("spoilt") == defect).fill_null(value=False)


def _opening(day: dt.date) -> pl.Expr:
    names = pl.lit(pl.Series([f'","event_type":"{kind}","' for kind in KINDS])).gather(pl.col("kind"))
    time = (pl.lit(day).cast(pl.Datetime("ms")) + pl.duration(milliseconds="at")).dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ")
    number = visit_name(pl.col("visit"), day)
    version = pl.when(_is("unknown_version")).then(pl.lit("3")).otherwise(pl.col("version").cast(pl.String))
    return pl.concat_str(
        pl.lit('{"schema_version":'),
        version,
        pl.when(_is("missing_key")).then(pl.lit(',"note":"')).otherwise(pl.lit(',"event_id":"')),
        number,
        pl.lit("-"),
        pl.col("place").cast(pl.String),
        names,
        _by_version("timestamp", "event_time"),
        pl.lit('":"'),
        pl.when(_is("bad_time")).then(pl.lit("yesterday")).otherwise(time),
        _by_version('","merchant_id":"merchant_', '","tenant_id":"merchant_'),
        (pl.col("tenant") + 1).cast(pl.String),
        pl.lit('","session_id":'),
        pl.when(_is("wrong_type")).then(pl.lit("7")).otherwise(pl.concat_str(pl.lit('"'), number, pl.lit('"'))),
    )


def _person() -> pl.Expr:
    number, tenant = pl.col("customer").cast(pl.String), (pl.col("tenant") + 1).cast(pl.String)
    person = pl.concat_str(
        _by_version(',"user":{"id":"c', ',"customer":{"id":"c'), number,
        pl.lit('","email":"customer.'), number, pl.lit("@m"), tenant, pl.lit('.example.com"},"processing_flags":["pii_contains","consented"]'),
    )  # fmt: skip
    return pl.when(pl.col("customer") >= 0).then(person).otherwise(pl.lit(',"processing_flags":[]'))


def _body(day: dt.date) -> pl.Expr:
    kind, tenant = pl.col("kind"), pl.col("tenant")
    currency = pl.lit(pl.Series(CURRENCIES)).gather(tenant % len(CURRENCIES))
    order = pl.concat_str(
        pl.lit(',"order":{"order_id":"o-'), visit_name(pl.col("visit"), day), pl.lit('","currency":"'), currency,
        pl.when(kind == CANCEL).then(pl.lit('","reason":"changed_mind",')).otherwise(pl.lit('",')), _by_version('"items":[', '"lines":['),
        pl.col("goods"), pl.lit("]}"),
    )  # fmt: skip
    page = pl.concat_str(pl.lit(',"page_url":"'), pl.lit(pl.Series(_PAGES)).gather(pl.col("at") % len(_PAGES)), pl.lit('"'))
    good = pl.concat_str(_by_version(',"item":', ',"product":'), pl.col("goods"))
    return (
        pl.when(kind == VIEW)
        .then(page)
        .when((kind == PRODUCT) | (kind == CART))
        .then(good)
        .when((kind == ORDER) | (kind == CANCEL))
        .then(order)
        .otherwise(pl.lit(""))
    )


def _scores() -> pl.Expr:
    risk = pl.concat_str(
        pl.lit('{"fraud":0.'), (pl.col("at") % 1000).cast(pl.String).str.zfill(3), pl.lit('1,"propensity":0.'),
        (pl.col("at") % 97).cast(pl.String).str.zfill(2), pl.lit("5}"),
    )  # fmt: skip
    scores = pl.concat_str(_by_version(',"model_scores":', ',"ml_context":{"model_scores":'), risk, _by_version("", "}"))
    return pl.when((pl.col("kind") == CHECKOUT) | (pl.col("kind") == ORDER)).then(scores).otherwise(pl.lit(""))


def _closing() -> pl.Expr:
    region = pl.lit(pl.Series([f'{{"region":"{r}","consent":true}}' for r in _REGIONS])).gather(pl.col("tenant") % len(_REGIONS))
    return pl.concat_str(
        pl.lit(',"gdpr":'),
        pl.when(_is("moved_type")).then(pl.lit('"yes"')).otherwise(region),
        pl.when(_is("unknown_field")).then(pl.lit(',"campaign":{"id":7,"by":"ada@example.com"}')).otherwise(pl.lit("")),
        pl.lit(',"lineage":{"producer":"shop-'),
        pl.col("version").cast(pl.String),
        pl.lit('.4","trace_id":"t'),
        pl.col("visit").cast(pl.String),
        pl.lit('"}}'),
    )


def _changed(texts: pl.Series, where: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The texts, those that are marked changed: they are few, and an expression would change all to choose among them."""
    at = np.flatnonzero(where.fill_null(value=False).to_numpy())
    place = np.arange(len(texts))
    place[at] = len(texts) + np.arange(len(at))
    return pl.concat([texts, change(texts.gather(at))]).gather(place)


def _unquoted(goods: pl.Series) -> pl.Series:
    return goods.str.replace_all(r'"(unit_price|price)":"([0-9.]+)"', '"$1":$2')


def _goods(visits: Visits, chosen: Numbers, versions: Numbers, catalogue: Catalogue) -> Any:
    """Per event the JSON of its product, of its cart's thing or of the lines of its order, joined; null where there is none."""
    kind, visit = visits.kind[chosen], visits.visit[chosen]
    of_order = (kind == ORDER) | (kind == CANCEL)
    carts = visits.carts[visit]
    lengths = np.where(of_order, carts, ((kind == PRODUCT) | (kind == CART)).astype(np.int64))
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(chosen)), lengths)
    nth = np.arange(len(owner)) - np.repeat(ends - lengths, lengths)
    at_cart = np.minimum(visits.first_cart[visit][owner] + nth, len(visits.cart_product) - 1)
    in_order = of_order[owner]
    product = np.where(in_order, visits.cart_product[at_cart], visits.product[chosen][owner])
    pieces = np.where(in_order, visits.cart_pieces[at_cart], visits.pieces[chosen][owner])
    lined, looked = np.concatenate([t.to_numpy() for t in catalogue.texts]), np.concatenate([t.to_numpy() for t in catalogue.shown])
    table = pl.Series(np.concatenate([lined, looked]).tolist(), dtype=pl.String)
    second = versions[owner] - 1
    place = np.where(
        kind[owner] == PRODUCT,
        len(lined) + second * len(catalogue.shown[0]) + product,
        second * len(catalogue.texts[0]) + product * MOST_PIECES + pieces - 1,
    )
    offsets: Any = pa.array(np.concatenate([[0], ends]), pa.int64())
    lists = pa.LargeListArray.from_arrays(offsets, table.gather(place).to_arrow())
    return pl.Series(lists).list.join(",", ignore_nulls=True)
