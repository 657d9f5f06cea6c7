"""Parts of user agents, null where nothing is known."""

from __future__ import annotations

import polars as pl

from lakehouse.datasets.user_agents import PARTS, user_agent_parts

FIREFOX = "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/11D257 Safari/9537.53"


def test_each_text_has_its_parts_in_its_place() -> None:
    found = user_agent_parts(pl.Series([FIREFOX, None, IPHONE, "", FIREFOX]))
    assert found.columns == list(PARTS)
    assert found.rows() == [
        ("Firefox", "31", "Windows", None),
        (None,) * 4,
        ("Mobile Safari", "7", "iOS", "iPhone"),
        (None,) * 4,
        ("Firefox", "31", "Windows", None),
    ]


def test_no_texts_no_parts() -> None:
    empty = user_agent_parts(pl.Series([None, None], dtype=pl.String))
    assert empty.rows() == [(None,) * 4] * 2
    assert user_agent_parts(pl.Series([], dtype=pl.String)).height == 0
