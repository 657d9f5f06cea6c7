"""What a user agent says of itself: browser, system and device, by ua-parser's rules. For the transforms of datasets that have user agents."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

PARTS = ("browser", "browser_version", "os", "device")
# The rules are a package of their own: who uses this names it among the `libraries` of the contract.
RULES = "ua-parser-builtins"

_KNOWN = 1 << 16  # distinct texts that are remembered from block to block


def user_agent_parts(texts: pl.Series) -> pl.DataFrame:
    """Columns `browser` (family), `browser_version` (major), `os` (family) and `device` (family), all strings, one row per text.

    Null where the text is null or the rules know nothing; a plain computer has no device. Each distinct text is looked at once.
    """
    distinct = texts.drop_nulls().unique(maintain_order=True)
    found = pl.DataFrame([(text, *_parts(text)) for text in distinct], schema=dict.fromkeys(("text", *PARTS), pl.String), orient="row")
    return texts.alias("text").to_frame().join(found, on="text", how="left", maintain_order="left").select(PARTS)


@lru_cache(maxsize=_KNOWN)
def _parts(text: str) -> tuple[str | None, str | None, str | None, str | None]:
    from ua_parser import parse

    result = parse(text)
    browser, system, device = result.user_agent, result.os, result.device
    return (
        browser.family if browser else None,
        browser.major if browser else None,
        system.family if system else None,
        device.family if device else None,
    )
