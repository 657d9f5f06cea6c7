"""Browser, system and device of user agents, on hand-picked texts and on 20,000 real ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

import lakehouse
from lakehouse.datasets import user_agents
from lakehouse.datasets.user_agents import PARTS, user_agent_parts

REAL = Path(lakehouse.__file__).parents[2] / "shared" / "realdata" / "clickstream" / "user_agents_20000.csv.gz"
CASES = json.loads((Path(__file__).parent / "user_agent_cases.json").read_text())
FIREFOX = "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/11D257 Safari/9537.53"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0][:60])
def test_an_agent_is_told_by_browser_system_and_device(case: list[object]) -> None:
    text, browser, system, device, parsed = case
    found = user_agents.classify(pl.Series([text])).row(0, named=True)
    told = {"browser": browser, "os": system, "device_type": device, "is_bot": device == "bot", "is_parsed": parsed}
    assert {name: found[name] for name in told} == told


def test_an_agent_that_is_not_told_has_nothing_and_the_others_keep_their_places() -> None:
    found = user_agents.classify(pl.Series(["curl/7.33.0", None, "-"]))
    assert found.schema == user_agents.SCHEMA
    assert found["device_type"].to_list() == ["bot", None, "other"]
    assert found["is_bot"].to_list() == [True, None, False]


def test_the_number_of_agents_that_are_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_agents, "_MOST_KNOWN", 3)
    monkeypatch.setattr(user_agents, "_known", {})
    for number in range(5):
        assert user_agents.classify(pl.Series([f"agent {number}", "curl/7.33.0"]))["browser"].to_list() == [None, "curl"]
        assert len(user_agents._known) <= 3


def test_an_agent_is_parsed_once_however_often_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    real = user_agents._agent
    monkeypatch.setattr(user_agents, "_known", {})
    monkeypatch.setattr(user_agents, "_agent", lambda text, kind: parsed.append(text) or real(text, kind))
    texts = pl.Series([FIREFOX, None, IPHONE])
    assert user_agents.classify(texts).equals(user_agents.classify(texts))
    assert sorted(parsed) == sorted([FIREFOX, IPHONE])


def test_twenty_thousand_real_agents_are_classified_and_the_unknown_are_counted() -> None:
    if not REAL.is_file():
        pytest.skip(f"no recorded user agents at {REAL}")
    texts = pl.Series(gzip.decompress(REAL.read_bytes()).decode("utf-8-sig").splitlines())
    found = user_agents.classify(texts)
    assert texts.n_unique() == found.height == 20_000
    assert found.null_count().select("device_type", "is_bot", "is_parsed").row(0) == (0, 0, 0)
    assert set(found["device_type"]) == set(user_agents.DEVICE_TYPES)
    # What the library knows grows with its patterns; these are of uap-core 2026-10: 361 unknown, 1,173 programs.
    assert 300 <= (~found["is_parsed"]).sum() <= 400
    assert 1_100 <= found["is_bot"].sum() <= 1_300


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
