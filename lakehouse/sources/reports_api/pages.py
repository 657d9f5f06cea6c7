"""Pages of `activities.list`, taken apart without changing a byte inside an item.

Fast path: msgspec cuts the items out as raw slices. When it refuses a page (a `NaN`, a raw control character, a trailing comma, a lone
surrogate in one item), a tolerant slicer that only knows strings and brackets takes it apart, so that one malformed item does not lose
its page: the item lands as it came and is judged later. A page whose items array or outer object does not close was cut off on its way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from lakehouse.sources.reports_api.retry import Retryable

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(_STRING + rb'|[{}\[\],"]', re.DOTALL)
# Everything up to the next bracket outside a string, or to a quote that does not close. Possessive: it never looks back.
_BARE = rb'[^"{}\[\]]*+'
_BRACKET = re.compile(_BARE + rb"(?:" + _STRING + _BARE + rb')*+([{}\[\]"])', re.DOTALL)


def _nested(depth: int) -> re.Pattern[bytes]:
    """A whole object or array of at most so many levels, in one match: it takes half the time of walking its brackets."""
    pattern = rb"(?!)"
    for _ in range(depth):
        pattern = rb"[{\[]" + _BARE + rb"(?:(?:" + _STRING + rb"|" + pattern + rb")" + _BARE + rb")*+[}\]]"
    return re.compile(pattern, re.DOTALL)


_NESTED = _nested(12)  # activities have 10
_KEY = re.compile(rb"\s*(" + _STRING + rb")\s*:\s*", re.DOTALL)
_PLAIN = re.compile(_STRING + rb'|[^\s,}\]"]+', re.DOTALL)
_GAP = re.compile(rb"\s*")
_CLOSING = {b"{": b"}", b"[": b"]"}


class PageError(Retryable):
    """The body of a 200 is no page. The cause is `truncated`, `html_body` or `not_a_page`: all three pass when the page is asked for again."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its items as lines (verbatim bytes, no newline) in the order of the page, and the token of the next page.

    `error` is the error object of a 200 that carries one instead of items. `malformed`: the tolerant slicer had to take the page apart.
    """

    items: list[bytes]
    next_token: str | None = None
    error: bytes | None = None
    malformed: bool = False


class _Body(msgspec.Struct):
    kind: msgspec.Raw = msgspec.Raw()
    items: list[msgspec.Raw] | None = None
    nextPageToken: str | None = None  # noqa: N815  the API's word
    error: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Body).decode


def parse_page(body: bytes) -> Page:
    """Take a page apart. Raises `PageError`."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return _parse_tolerantly(body)
    error = bytes(found.error)
    if found.items is None and not bytes(found.kind) and not error and not found.nextPageToken:
        raise PageError("not_a_page", f"expected an object with kind or items, got {_excerpt(body)}")
    lines = [bytes(item) for item in found.items or ()]
    if b"\n" in body or b"\r" in body:
        lines = [_unbroken(line) for line in lines]
    return Page(lines, found.nextPageToken or None, error or None)


def slice_array(body: bytes, name: str) -> list[bytes]:
    """The items of the array that the outer object of a JSON text holds under `name`, as lines. Raises `PageError` when it does not close."""
    return _members(body, name)[0]


def _parse_tolerantly(body: bytes) -> Page:
    text = body.lstrip()
    if text[:1] == b"<":
        raise PageError("html_body", f"expected JSON, got {_excerpt(text)}")
    if text[:1] != b"{":
        raise PageError("not_a_page" if text else "truncated", f"expected a JSON object, got {_excerpt(text)}")
    lines, others = _members(text, "items")
    token = others.get(b'"nextPageToken"')
    return Page(lines, _text(token) if token else None, others.get(b'"error"'), malformed=True)


def _members(body: bytes, array: str) -> tuple[list[bytes], dict[bytes, bytes]]:
    """Walk the members of the outer object: the items of one array, and the raw text of every other member."""
    wanted = f'"{array}"'.encode()
    lines: list[bytes] = []
    others: dict[bytes, bytes] = {}
    at = body.find(b"{") + 1
    while True:
        at = _skip(body, at)
        mark = body[at : at + 1]
        if mark == b"}" and not body[at + 1 :].strip():
            return lines, others
        if mark == b",":
            at += 1
            continue
        key = _KEY.match(body, at)
        if key is None:
            raise PageError("truncated", f"the outer object does not close after {len(body)} bytes (read up to {at})")
        at = key.end()
        if key[1] == wanted and body[at : at + 1] == b"[":
            lines, at = _array_items(body, at + 1)
        else:
            end = _value_end(body, at)
            others[key[1]] = body[at:end]
            at = end


def _array_items(body: bytes, at: int) -> tuple[list[bytes], int]:
    """Lines of the items between `[` (just before `at`) and the bracket that closes it, and the position after that."""
    pieces: list[bytes] = []
    start = at
    while (token := _TOKEN.search(body, at)) is not None and token[0] != b'"':
        mark = token[0]
        at = _closed(body, token.start()) if mark in _CLOSING else token.end()
        if mark in (b",", b"]"):
            pieces.append(body[start : token.start()].strip())
            start = at
        if mark == b"]":
            return [_one_line(piece) for piece in pieces if piece], at
    raise PageError("truncated", f"the items do not close: {len(body)} bytes, the item that is cut off begins at {start}")


def _value_end(body: bytes, at: int) -> int:
    """The end of the value that begins at `at`."""
    if body[at : at + 1] in _CLOSING:
        return _closed(body, at)
    plain = _PLAIN.match(body, at)
    if plain is None:
        raise PageError("truncated", f"a value does not close: {len(body)} bytes, it begins at {at}")
    return plain.end()


def _closed(body: bytes, at: int) -> int:
    """The end of the object or array that begins at `at`. A bracket of the wrong kind is passed over."""
    whole = _NESTED.match(body, at)
    if whole is not None:
        return whole.end()
    start = at
    closing: list[bytes] = []
    while (token := _BRACKET.match(body, at)) is not None:
        at = token.end()
        mark = token[1]
        if mark in _CLOSING:
            closing.append(_CLOSING[mark])
        elif mark == closing[-1]:
            closing.pop()
            if not closing:
                return at
        elif mark == b'"':
            break
    raise PageError("truncated", f"a value does not close: {len(body)} bytes, it begins at {start}")


def _skip(body: bytes, at: int) -> int:
    gap = _GAP.match(body, at)
    return gap.end() if gap else at


def _one_line(piece: bytes) -> bytes:
    """A piece as one line. One with a newline inside a string cannot be one line as it is: it lands as `{"_raw": text}`, nothing of it lost."""
    if b"\n" not in piece and b"\r" not in piece:
        return piece
    if any(b"\n" in token[0] or b"\r" in token[0] for token in _TOKEN.finditer(piece)):
        return msgspec.json.encode({"_raw": piece.decode("utf-8", "backslashreplace")})
    return _unbroken(piece)


def _unbroken(line: bytes) -> bytes:
    """Without newlines, which stand only between the tokens of valid JSON."""
    return line.replace(b"\r", b"").replace(b"\n", b"")


def _text(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str | None) or None
    except msgspec.DecodeError as error:
        raise PageError("not_a_page", f"nextPageToken should be a string, got {_excerpt(raw)}") from error


def _excerpt(body: bytes) -> str:
    """The beginning of a body that is no page, for a message; a cut page is never quoted, it holds records."""
    return repr(body[:60].decode("utf-8", "replace"))
