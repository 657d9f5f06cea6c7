"""Keyed tokens in place of personal data: the same address gives the same token under one key, and nothing leads back without it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import polars as pl

from lakehouse.contracts.model import EXTRA, Contract
from lakehouse.settings import TokenKey

PREFIX = "tok_"
# An address in running text, with the escapes JSON may put into it. Wide on purpose: a token too many harms less than an address too many.
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def token(value: str, key: TokenKey) -> str:
    """`tok_` and 26 characters: base32 of 128 bits of HMAC-SHA256 over the value, lower case and trimmed."""
    digest = hmac.new(key.secret, value.strip().lower().encode(), hashlib.sha256).digest()[:16]
    return PREFIX + base64.b32encode(digest).decode().rstrip("=").lower()


def tokenise(frame: pl.DataFrame, contract: Contract, key: TokenKey) -> pl.DataFrame:
    """The frame with its PII columns as tokens and the addresses in `_extra` replaced by theirs."""
    changed = [
        _tokens(frame[c.name], key, all_values=c.pii == "email")
        for c in contract.columns
        if c.pii is not None and frame[c.name].null_count() < frame.height
    ]
    if EXTRA.name in frame.columns and frame[EXTRA.name].null_count() < frame.height:
        changed.append(_scrub(frame[EXTRA.name], key))
    return frame.with_columns(changed)


def _tokens(values: pl.Series, key: TokenKey, *, all_values: bool) -> pl.Series:
    distinct = values.drop_nulls().unique()
    tokens = [token(v, key) if all_values or "@" in v else v for v in distinct]
    return values.replace_strict(distinct, tokens, default=None, return_dtype=pl.String)


def _scrub(texts: pl.Series, key: TokenKey) -> pl.Series:
    hits = texts.str.contains("@", literal=True) | texts.str.contains(r"\u0040", literal=True)
    if not hits.fill_null(False).any():
        return texts
    known: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        found = match.group()
        if found not in known:
            known[found] = token(found, key)
        return known[found]

    clean = [EMAIL.sub(replaced, t.replace(r"\u0040", "@")) if t is not None and hit else t for t, hit in zip(texts, hits, strict=True)]
    return pl.Series(texts.name, clean, dtype=pl.String)
