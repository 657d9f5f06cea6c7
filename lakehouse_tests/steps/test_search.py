"""Finding the raw lines that hold a text, however it is written in JSON."""

from __future__ import annotations

import json

import pytest
from build_lakes import DAY, BuildLake, event, line
from hypothesis import example, given
from hypothesis import strategies as st

from lakehouse.errors import ConfigurationError
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.ledger import load_ledger
from lakehouse.steps.search import Sought, find_lines

ADA = "ada@example.com"


@pytest.mark.parametrize(
    "text",
    [
        '{"email":"ada@example.com"}',
        '{"email":"Ada@Example.COM"}',
        '{"ada@example.com":1}',
        '{"note":"from <ada@example.com>, to all"}',
        '{"note":"mailto:ada@example.com."}',
        '{"url":"https://example.org/?q=ada%40example.com&x=1"}',
        '{"url":"https://example.org/?q=%20ada@example.com"}',
        '{"email":"ada\\u0040example.com"}',
        '{"email":"\\u0041da@example.com"}',
        '{"note":"first\\nada@example.com\\tlast"}',
        '{"path":"C:\\\\ada@example.com"}',
        '{"inner":"{\\"email\\":\\"ada\\\\u0040example.com\\"}"}',
        'broken, but it holds ada@example.com all the same',
        '{"email":"ada\\u0040example.com", broken',
    ],
)  # fmt: skip
def test_an_address_is_found_however_it_is_written(text: str) -> None:
    assert Sought([ADA]).lines(b'{"n":1}\n' + text.encode() + b"\nlast") == [1]


@pytest.mark.parametrize(
    "text",
    [
        "nada@example.com", "x.ada@example.com", "a-ada@example.com", "ada@example.com.au", "ada@example.community", "ada@example.com-pany.org",
        "ada+tag@example.com", "ada @example.com", "\\u006eada@example.com", "\u00e4ada@example.com", "ada@example",
    ],
)  # fmt: skip
def test_the_address_of_somebody_else_is_not(text: str) -> None:
    assert Sought([ADA]).lines(f'{{"email":"{text}"}}\n'.encode()) == []


def test_any_other_text_is_found_wherever_it_stands() -> None:
    block = '{"n":"10.0.0.77"}\n{"n":"10.0.0.7"}\n{"n":"J\u00f6rg M\u00fcller"}\n{"n":"J\\u00f6rg m\\u00fcller"}\n'.encode()
    assert Sought(["10.0.0.7"]).lines(block) == [0, 1]
    assert Sought(["J\u00f6rg M"]).lines(block) == [2, 3]
    assert Sought(["0.77", "rg M", "no one"]).lines(block) == [0, 2, 3]


@pytest.mark.parametrize("value", ["", "   ", "abc", " a b"])
def test_what_would_be_found_everywhere_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="would be found in lines of everybody"):
        Sought([value])


@given(
    before=st.text(max_size=5),
    after=st.text(max_size=5),
    ascii_only=st.booleans(),
    deep=st.integers(0, 2),
    value=st.text(st.characters(codec="utf-8", categories=("L", "N", "S")), min_size=4),
)
@example(before="\ud83d\ude00"[:0], after="", ascii_only=True, deep=2, value="\U0001f600abc")
def test_what_json_says_is_found_behind_every_escape(before: str, after: str, ascii_only: bool, deep: int, value: str) -> None:
    text = before + value + after
    for _ in range(deep + 1):
        text = json.dumps({"x": text}, ensure_ascii=ascii_only)
    block = b'{"y":2}\n' + text.encode(errors="surrogatepass") + b"\n"
    assert 1 in Sought([value]).lines(block)


def test_all_parts_are_read_wherever_they_are_and_told_one_by_one(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 2, note=ADA), event(2, 3))
    made.land(event(1, 4), b"broken " + ADA.upper().encode())
    made.land(event(1, 5, note=[{"to": ADA}]))
    ledger = load_ledger(made.lake, made.dataset.name)
    told: list[tuple[int, int]] = []
    found = find_lines(made.lake, ledger, [ADA], lambda *now: told.append(now))
    parts = ledger.parts[f"{DAY}T01"]
    assert found == {
        parts[0].part.path: {2}, parts[2].part.path: {1}, ledger.parts["unplaced-2026-11-19"][0].part.path: {1},
    }  # fmt: skip
    assert told == [(n, 5) for n in range(5)]
    land_compaction(made.lake, made.dataset.name, DAY)
    assert find_lines(made.lake, load_ledger(made.lake, made.dataset.name), [ADA]) == found
    assert find_lines(made.lake, ledger, ["no one at all"]) == {}


def test_lines_that_a_block_ends_between_keep_their_numbers(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse.landing import read

    monkeypatch.setattr(read.read_part, "__kwdefaults__", {"block_bytes": 300})
    path = made.land(*(line(event(1, n, note=ADA if n % 7 == 3 else "x")) for n in range(50))).parts[0].path
    found = find_lines(made.lake, load_ledger(made.lake, made.dataset.name), [ADA])
    assert found == {path: {n + 1 for n in range(50) if n % 7 == 3}}
