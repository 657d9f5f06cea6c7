"""Taking pages apart: nothing inside an item changes, and one bad item does not lose its page."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_api_helpers import CASES, REAL, activity, at, line, many

from lakehouse.sources.reports_api.pages import PageError, parse_page, slice_array

MALFORMED = sorted((CASES / "malformed_items").iterdir())


def page(*items: bytes, token: str | None = None, separator: bytes = b",") -> bytes:
    head = b'{"kind":"admin#reports#activities","etag":"\\"x\\"",' + (b'"nextPageToken":' + json.dumps(token).encode() + b"," if token else b"")
    return head + b'"items":[' + separator.join(items) + b"]}"


def test_items_are_cut_out_verbatim_in_their_order() -> None:
    items = [b'{"n":1.50e3 , "s":"a\\/b\\u00e9"}', b'{ "big":-9223372036854775808}', b"null", b'{"dup":1,"dup":2}']
    found = parse_page(page(*items, token="A:1"))
    assert found.items == items
    assert (found.next_token, found.malformed, found.error) == ("A:1", False, None)


def test_int64_extremes_and_numbers_out_of_range_keep_their_digits() -> None:
    items = [line(activity(at(), n)) for n in (2**63 - 1, -(2**63))] + [b'{"id":{"uniqueQualifier":' + b"9" * 400 + b"}}"]
    assert parse_page(page(*items)).items == items


def test_a_page_without_items_is_an_empty_page() -> None:
    assert parse_page(b'{"kind":"admin#reports#activities","etag":"x"}').items == []
    assert parse_page(b'{"kind":"admin#reports#activities","items":null}').items == []


def test_a_page_without_items_keeps_its_token() -> None:
    found = parse_page(b'{"kind":"admin#reports#activities","nextPageToken":"A:2"}')
    assert (found.items, found.next_token) == ([], "A:2")


def test_an_empty_token_is_no_token() -> None:
    assert parse_page(b'{"kind":"x","nextPageToken":"","items":[]}').next_token is None


def test_a_pretty_printed_page_gives_one_line_per_item() -> None:
    records = many(3)
    body = json.dumps({"kind": "x", "items": records}, indent=2).replace("\n", "\r\n").encode()
    found = parse_page(body).items
    assert [json.loads(text) for text in found] == records
    assert not any(b"\n" in text or b"\r" in text for text in found)


@pytest.mark.parametrize("case", MALFORMED, ids=lambda path: path.stem)
def test_one_malformed_item_does_not_lose_its_page(case: object) -> None:
    bad = case.read_bytes()  # type: ignore[attr-defined]
    good = [line(record) for record in many(3)]
    with pytest.raises((msgspec.DecodeError, RecursionError, UnicodeDecodeError)):
        msgspec.json.decode(bad)
    found = parse_page(page(good[0], bad, good[1], good[2], token="A:3"))
    assert found.items == [good[0], bad, good[1], good[2]]
    assert (found.next_token, found.malformed) == ("A:3", True)


@pytest.mark.parametrize("case", MALFORMED, ids=lambda path: path.stem)
def test_a_malformed_item_may_come_first_or_last(case: object) -> None:
    bad = case.read_bytes()  # type: ignore[attr-defined]
    good = line(activity(at()))
    assert parse_page(page(bad, good)).items == [bad, good]
    assert parse_page(page(good, bad)).items == [good, bad]
    assert parse_page(page(bad)).items == [bad]


def test_an_item_that_is_nested_thousands_deep_is_still_cut_out() -> None:
    bad = b"[" * 5000 + b"]" * 5000
    assert parse_page(page(b'{"a":1}', bad, b'{"b":2}')).items == [b'{"a":1}', bad, b'{"b":2}']


def test_a_trailing_comma_between_items_makes_no_item() -> None:
    assert parse_page(b'{"kind":"x","items":[{"a":1},{"b":2},]}').items == [b'{"a":1}', b'{"b":2}']


def test_members_around_a_malformed_item_are_read_wherever_they_stand() -> None:
    body = b'{"kind":"x","odd":{"items":[1]},"items":[{"n":NaN}],"n":-1.5e3,"t":true,"nextPageToken":"A:\\u0031"}'
    found = parse_page(body)
    assert (found.items, found.next_token) == ([b'{"n":NaN}'], "A:1")


def test_a_newline_inside_a_string_of_a_malformed_item_lands_as_raw_text() -> None:
    bad = b'{"name":"two\nlines","q":"\\""}'
    assert parse_page(page(bad, b'{"a":1}')).items == [json.dumps({"_raw": bad.decode()}, separators=(",", ":")).encode(), b'{"a":1}']


def test_a_malformed_item_in_a_pretty_printed_page_is_one_line() -> None:
    body = b'{\n "kind": "x",\n "items": [\n  {\n   "a": NaN\n  },\n  {\n   "b": 2\n  }\n ]\n}\n'
    assert parse_page(body).items == [b'{   "a": NaN  }', b'{   "b": 2  }']


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9, 0.999])
def test_a_page_that_is_cut_off_is_truncated(share: float) -> None:
    body = page(*(line(record) for record in many(20)), token="A:1")
    with pytest.raises(PageError) as caught:
        parse_page(body[: int(len(body) * share)])
    assert caught.value.cause == "truncated"


def test_every_cut_of_a_small_page_is_noticed() -> None:
    body = page(b'{"a":"x\\"y","b":[1,{"c":null}]}', b'{"d":NaN}', token="A:1")
    for end in range(len(body)):
        with pytest.raises(PageError):
            parse_page(body[:end])


def test_no_record_is_quoted_in_the_message_about_a_cut_page() -> None:
    body = page(line(activity(at(), actor={"email": "secret@example.com"})))
    with pytest.raises(PageError) as caught:
        parse_page(body[:-30])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "truncated"),
        (b"   ", "truncated"),
        (b"<!DOCTYPE html><html></html>", "html_body"),
        (b"\n <html>", "html_body"),
        (b"[]", "not_a_page"),
        (b"null", "not_a_page"),
        (b"{}", "not_a_page"),
        (b'{"status":"ok"}', "not_a_page"),
        (b"Service temporarily busy", "not_a_page"),
        (b'{"kind":"x","nextPageToken":7,"items":[]}', "not_a_page"),
    ],
)
def test_a_body_that_is_no_page_is_told_apart(body: bytes, cause: str) -> None:
    with pytest.raises(PageError) as caught:
        parse_page(body)
    assert caught.value.cause == cause


def test_an_error_object_in_a_200_is_not_an_empty_page() -> None:
    assert parse_page(b'{"error":{"code":503,"message":"busy"}}').error == b'{"code":503,"message":"busy"}'


def test_the_recorded_downloads_are_cut_as_they_were_written() -> None:
    if not REAL.is_dir():
        pytest.skip(f"the recorded activities are not there: {REAL}")
    for path in sorted(REAL.glob("*.json")):
        text = path.read_bytes()
        items = slice_array(text, "activities")
        assert [json.loads(item) for item in items] == json.loads(text)["activities"]
        assert re.sub(rb"\s", b"", text) == re.sub(rb"\s", b"", b'{"activities":[' + b",".join(items) + b"]}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(records=st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=6), indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_both_slicers_cut_any_items_alike(records: list[dict[str, object]], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps({"kind": "x", "items": records, "nextPageToken": "A:1"}, indent=indent, ensure_ascii=ascii_only)
    try:
        body = text.encode()
    except UnicodeEncodeError:
        return
    fast = parse_page(body)
    slow = parse_page(body.replace(b'"nextPageToken"', b'"x":NaN,"nextPageToken"'))
    assert slow.malformed
    assert slow.items == fast.items
    assert [json.loads(item) for item in slow.items] == records
    assert slow.next_token == fast.next_token == "A:1"


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ an1\n', max_size=80).map(str.encode))
def test_any_bytes_are_a_page_or_a_page_error(body: bytes) -> None:
    try:
        found = parse_page(b'{"kind":"x","items":[' + body)
    except PageError:
        return
    assert not any(b"\n" in item or b"\r" in item for item in found.items)
