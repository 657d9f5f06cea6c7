"""JSON texts taken apart without changing a byte inside an item, even where a strict reader refuses them.

A slicer that only knows strings and brackets, so that one malformed item (a `NaN`, a raw control character, a trailing comma) does not lose its
neighbours: the item comes as it is and is judged later. What does not close was cut off on its way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

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


_NESTED = _nested(12)  # activities of the Reports API have 10
_KEY = re.compile(rb"\s*(" + _STRING + rb")\s*:\s*", re.DOTALL)
_PLAIN = re.compile(_STRING + rb'|[^\s,}\]"]+', re.DOTALL)
_GAP = re.compile(rb"\s*")
_CLOSING = {b"{": b"}", b"[": b"]"}


class NotClosedError(ValueError):
    """A JSON text ends before its brackets do, or is none. The message tells sizes and places, never content."""


def array_at(text: bytes, path: Sequence[str]) -> list[bytes]:
    """The items of the array at a path of names (none: the text itself is the array), as lines. Raises `NotClosedError`."""
    text = text.strip()
    if not path:
        if not text.startswith(b"["):
            raise NotClosedError("expected an array")
        lines, end = _array_items(text, 1)
        if text[end:]:
            raise NotClosedError(f"the array closes at {end} of {len(text)} bytes")
        return lines
    if not text.startswith(b"{"):
        raise NotClosedError("expected an object")
    found, others = members(text, path[0] if len(path) == 1 else None)
    if len(path) > 1:
        return array_at(others.get(msgspec.json.encode(path[0]), b""), path[1:])
    if found is None:
        raise NotClosedError("there is no array of that name")
    return found


def members(body: bytes, array: str | None) -> tuple[list[bytes] | None, dict[bytes, bytes]]:
    """Walk the members of the outer object: the items of one array (None: it has none), and the raw text of every other member, by raw key."""
    wanted = msgspec.json.encode(array)
    lines: list[bytes] | None = None
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
            raise NotClosedError(f"the outer object does not close after {len(body)} bytes (read up to {at})")
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
    raise NotClosedError(f"the items do not close: {len(body)} bytes, the item that is cut off begins at {start}")


def _value_end(body: bytes, at: int) -> int:
    """The end of the value that begins at `at`."""
    if body[at : at + 1] in _CLOSING:
        return _closed(body, at)
    plain = _PLAIN.match(body, at)
    if plain is None:
        raise NotClosedError(f"a value does not close: {len(body)} bytes, it begins at {at}")
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
    raise NotClosedError(f"a value does not close: {len(body)} bytes, it begins at {start}")


def _skip(body: bytes, at: int) -> int:
    gap = _GAP.match(body, at)
    return gap.end() if gap else at


def _one_line(piece: bytes) -> bytes:
    """A piece as one line. One with a newline inside a string cannot be one line as it is: it lands as `{"_raw": text}`, nothing of it lost."""
    if b"\n" not in piece and b"\r" not in piece:
        return piece
    if any(b"\n" in token[0] or b"\r" in token[0] for token in _TOKEN.finditer(piece)):
        return msgspec.json.encode({"_raw": piece.decode("utf-8", "backslashreplace")})
    return unbroken(piece)


def unbroken(line: bytes) -> bytes:
    """Without newlines, which stand only between the tokens of valid JSON."""
    return line.replace(b"\r", b"").replace(b"\n", b"")
