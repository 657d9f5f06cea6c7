"""Pages of `activities.list`, taken apart without changing a byte inside an item.

Fast path: msgspec cuts the items out as raw slices. When it refuses a page (a `NaN`, a raw control character, a trailing comma, a lone
surrogate in one item), a tolerant slicer (`sources.slices`) takes it apart, so that one malformed item does not lose its page: the item lands as
it came and is judged later. A page whose items array or outer object does not close was cut off on its way.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from lakehouse.sources import slices
from lakehouse.sources.reports_api.retry import Retryable


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
        lines = [slices.unbroken(line) for line in lines]
    return Page(lines, found.nextPageToken or None, error or None)


def slice_array(body: bytes, name: str) -> list[bytes]:
    """The items of the array that the outer object of a JSON text holds under `name`, as lines. Raises `PageError` when it does not close."""
    return _members(body, name)[0]


def _members(body: bytes, array: str) -> tuple[list[bytes], dict[bytes, bytes]]:
    try:
        lines, others = slices.members(body, array)
    except slices.NotClosedError as error:
        raise PageError("truncated", str(error)) from error
    return lines or [], others


def _parse_tolerantly(body: bytes) -> Page:
    text = body.lstrip()
    if text[:1] == b"<":
        raise PageError("html_body", f"expected JSON, got {_excerpt(text)}")
    if text[:1] != b"{":
        raise PageError("not_a_page" if text else "truncated", f"expected a JSON object, got {_excerpt(text)}")
    lines, others = _members(text, "items")
    token = others.get(b'"nextPageToken"')
    return Page(lines, _text(token) if token else None, others.get(b'"error"'), malformed=True)


def _text(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str | None) or None
    except msgspec.DecodeError as error:
        raise PageError("not_a_page", f"nextPageToken should be a string, got {_excerpt(raw)}") from error


def _excerpt(body: bytes) -> str:
    """The beginning of a body that is no page, for a message; a cut page is never quoted, it holds records."""
    return repr(body[:60].decode("utf-8", "replace"))
