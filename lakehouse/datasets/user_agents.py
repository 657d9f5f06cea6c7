"""User agents: browser, operating system, kind of device and whether a program sent it. Shared by the datasets that have them.

ua-parser names browser, system and device by the patterns of the uap-core project. Kind of device and programs are told from those names and, where
uap-core has no word for it, from the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import polars as pl
from ua_parser import Domain, Parser, load_lazy_builtins
from ua_parser.regex import Resolver

# The rules are a package of their own: who uses this names it among the `libraries` of the contract.
RULES = "ua-parser-builtins"
PARTS = ("browser", "browser_version", "os", "device")
DEVICE_TYPES = ("desktop", "mobile", "tablet", "tv", "console", "bot", "other")

_MOST_KNOWN = 1 << 17  # distinct agents that a process keeps: some 40 MB
# The first pattern that a text matches tells its kind.
_PATTERNS = {
    "bot": (
        r"(?i)bot\b|bots?[-_/;) ]|crawl|spider|spyder|slurp|scrap(?:er|y)|archiver|validator|monitor(?:ing|is|or)?\b|uptime|link ?check"
        r"|feed(?:parser|fetcher|burner)|headless|phantomjs|selenium|curl/|wget/|libwww|lwp[-:]|python-|python/|urllib|aiohttp|\bjava[/ ]1|okhttp"
        r"|httpclient|http_|go-http-client|node-fetch|axios/|\bruby\b|\bperl\b|\bphp\b|restsharp|mechanize|nutch|scan(?:ner)?\b|preview"
        r"|facebookexternalhit|\+https?://"
    ),
    "tv": r"(?i)smart-?tv|hbbtv|apple ?tv|google ?tv|android tv|\bbravia\b|roku|crkey|\baft[a-z]{1,3}\b|netcast|web0s|large screen",
    "console": r"(?i)playstation|xbox|nintendo",
    "tablet": r"(?i)ipad|tablet(?: *[;)]|$| browser)|kindle|playbook|\bsilk\b|nexus (?:7|9|10)\b|\bsm-[tp]\d|\bgt-[pn][58]\d|xoom|transformer",
    "mobile": r"(?i)mobi|iphone|ipod|windows phone|opera mini|blackberry|symbian|series ?[346]0|nokia|midp|palm|dalvik",
}
_DESKTOPS = frozenset(
    {"Windows", "Mac OS X", "Mac OS", "Linux", "Chrome OS", "FreeBSD", "OpenBSD", "NetBSD", "Solaris", "Ubuntu", "Kubuntu", "Fedora", "Debian",
     "Red Hat", "CentOS", "SUSE", "Gentoo", "Linux Mint", "Mandriva", "Slackware", "Arch Linux"}
)  # fmt: skip


class Agent(NamedTuple):
    """What a user agent says of itself.

    `browser`, `os`, `device`: families, None where unknown (a plain computer has no device). `browser_version`: the major one. `device_type`: one of
    `DEVICE_TYPES`. `is_bot`: a program sent it, no browser. `is_parsed`: the library knew any part of it.
    """

    browser: str | None
    browser_version: str | None
    os: str | None
    device: str | None
    device_type: str
    is_bot: bool
    is_parsed: bool


SCHEMA = pl.Schema({**dict.fromkeys((*PARTS, "device_type"), pl.String()), **dict.fromkeys(("is_bot", "is_parsed"), pl.Boolean())})
_known: dict[str, Agent] = {}


def classify(texts: pl.Series) -> pl.DataFrame:
    """The columns of `SCHEMA` for a column of distinct user agents, all null where the text is.

    Each text is parsed once per process (some 0.1 ms), up to a bound.
    """
    here = [text for text in texts if text is not None]
    found = {text: agent for text in here if (agent := _known.get(text)) is not None}
    new = [text for text in here if text not in found]
    if new:
        found.update(zip(new, _agents(new), strict=True))
        if len(_known) + len(new) > _MOST_KNOWN:
            _known.clear()
        _known.update(found)
    nothing = (None,) * len(SCHEMA)
    return pl.DataFrame([found[text] if text is not None else nothing for text in texts], schema=SCHEMA, orient="row")


def user_agent_parts(texts: pl.Series) -> pl.DataFrame:
    """Columns `PARTS`, all strings, one row per text: null where the text is null or the rules know nothing. Each distinct text is looked at once."""
    distinct = texts.alias("text").drop_nulls().unique(maintain_order=True)
    found = classify(distinct).select(distinct, *PARTS)
    return texts.alias("text").to_frame().join(found, on="text", how="left", maintain_order="left").select(PARTS)


def _agents(texts: Sequence[str]) -> list[Agent]:
    column = pl.Series("text", texts, dtype=pl.String)
    kinds = column.to_frame().select(
        pl.coalesce(*(pl.when(pl.col("text").str.contains(pattern)).then(pl.lit(kind)) for kind, pattern in _PATTERNS.items()))
    )
    return [_agent(text, kind) for text, kind in zip(texts, kinds.to_series(), strict=True)]


def _agent(text: str, kind: str | None) -> Agent:
    found = _parser()(text, Domain.ALL)
    browser, system, device = found.user_agent, found.os.family if found.os else None, found.device.family if found.device else None
    if device == "Spider":
        kind = "bot"
    elif kind is None and system == "Android":  # a phone says `Mobile`: Google's rule for makers
        kind = "tablet"
    elif kind is None:
        kind = "desktop" if system in _DESKTOPS else "other"
    family, version = (browser.family, browser.major) if browser else (None, None)
    return Agent(family, version, system, device, kind, kind == "bot", bool(browser or system or device))


@cache
def _parser() -> Parser:
    # The matcher by its name: the library on its own would fall back to one that is many times slower where this one is not installed.
    return Parser(Resolver(load_lazy_builtins()))
