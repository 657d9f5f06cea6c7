"""Keyed tokens in place of personal data: the same address gives the same token under one key, and nothing leads back without it."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import polars as pl
import pyarrow as pa

from lakehouse.contracts.model import EXTRA, HasColumns
from lakehouse.settings import TokenKey

PREFIX = "tok_"
# An address in running text, the @ also as URLs and doubly escaped texts write it. Wide on purpose: a token too many harms less than an address
# too many.
EMAIL = re.compile(r"\w[\w.!#$%&'*+/=?^`{|}~-]*(?:@|%40|\\u0040)[\w-]+(?:\.[\w-]+)+")
_SIGN = "@"
_AT = re.compile(r"%40|\\u0040")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')
_MOST_KNOWN = 1 << 17
# Base32 in pairs of digits: the library's takes longer than the hash.
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]
_FILL, _SHIFTS = 2, range(120, -1, -10)  # 128 bits and two zeros are 13 pairs
_SIGNS = ("@", "%40", r"\u00")  # any letter of an address may be escaped, and the @ itself


def token(value: str, key: TokenKey) -> str:
    """`tok_` and 26 characters: base32 of 128 bits of HMAC-SHA256 over the value, lower case and trimmed."""
    digest = hmac.digest(key.secret, value.strip().lower().encode(), "sha256")[:16]
    number = int.from_bytes(digest, "big") << _FILL
    return PREFIX + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def tokenise(frame: pl.DataFrame, contract: HasColumns, key: TokenKey) -> pl.DataFrame:
    """The frame with its PII columns as tokens and the addresses in `_extra` replaced by theirs."""
    personal = {c.name: c.pii for c in contract.columns if c.pii is not None and _tells_of_somebody(frame[c.name], c.pii)}
    changed = _tokens(frame, personal, key) if personal else []
    if EXTRA.name in frame.columns and frame[EXTRA.name].null_count() < frame.height:
        changed.append(_scrub(frame[EXTRA.name], key))
    return frame.with_columns(changed)


def _tells_of_somebody(values: pl.Series, kind: str) -> bool:
    """Whether any value of a personal column gets a token: an opaque id stays as it is."""
    return bool(values.str.contains(_SIGN, literal=True).any()) if kind == "identity" else values.null_count() < len(values)


def _tokens(frame: pl.DataFrame, personal: Mapping[str, str], key: TokenKey) -> list[pl.Series]:
    """The personal columns as tokens. The columns of a row often tell of one person, so all are looked at together."""
    coded: Any = pl.concat([frame[name].rename("value") for name in personal]).to_arrow().dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    known = _known(key)
    if len(known) > _MOST_KNOWN:
        known.clear()
    every = "email" in personal.values()
    emails = [known.get(v) or known.setdefault(v, token(v, key)) if every or _SIGN in v else v for v in distinct]
    identities = [email if _SIGN in v else v for v, email in zip(distinct, emails, strict=True)]
    tokens = {"email": pa.array(emails, pa.large_string()), "identity": pa.array(identities, pa.large_string())}
    places = [coded.indices.slice(frame.height * nth, frame.height) for nth in range(len(personal))]
    return [pl.Series(name, tokens[kind].take(at), dtype=pl.String) for (name, kind), at in zip(personal.items(), places, strict=True)]


@lru_cache(maxsize=4)
def _known(key: TokenKey) -> dict[str, str]:  # noqa: ARG001  one for each key
    """Tokens that were made: the same people come back in every block."""
    return {}


def scrub_text(text: str, key: TokenKey) -> str:
    """A plain text with a token in place of every address."""
    return EMAIL.sub(lambda found: token(_AT.sub("@", found.group()), key), text)


def addresses_in(data: bytes) -> set[str]:
    """The addresses in lines of JSON, in plain, as those whose tokens `tokenise` writes into `_extra`."""
    text = data.decode("utf-8", errors="replace")
    found: set[str] = set()
    for literal in _LITERAL.findall(text):
        if any(sign in literal for sign in _SIGNS):
            found.update(_AT.sub("@", address) for address in EMAIL.findall(_plain(literal)))
    return found


def _plain(literal: str) -> str:
    try:
        return str(json.loads(literal))
    except json.JSONDecodeError:  # of a line that is no JSON
        return literal


def _scrub(texts: pl.Series, key: TokenKey) -> pl.Series:
    """JSON texts with tokens in place of addresses. Only the string literals that hold one are written anew."""
    hits = texts.str.contains_any(list(_SIGNS)).fill_null(False)
    if not hits.any():
        return texts
    scrubbed: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        literal = match.group()
        if not any(sign in literal for sign in _SIGNS):
            return literal
        if literal not in scrubbed:
            # An escape next to an address would be taken for a part of it, so the text is read before it is searched.
            plain = json.loads(literal)
            clean = scrub_text(plain, key)
            scrubbed[literal] = literal if clean == plain else json.dumps(clean, ensure_ascii=False)
        return scrubbed[literal]

    clean = [_LITERAL.sub(replaced, t) if t is not None and hit else t for t, hit in zip(texts, hits, strict=True)]
    return pl.Series(texts.name, clean, dtype=pl.String)
