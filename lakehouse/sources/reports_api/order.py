"""Drift check: the API answers newest first. Nothing rests on it, a walk only counts where it does not hold."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

import msgspec


class _Id(msgspec.Struct):
    time: str | None = None


class _Item(msgspec.Struct):
    id: _Id | None = None


class _Body(msgspec.Struct):
    items: list[_Item] | None = None


_body_times = msgspec.json.Decoder(_Body).decode
_item_time = msgspec.json.Decoder(_Item).decode


class OrderWatch:
    """Counts the records of one walk whose `id.time` is later than that of the record before them. Unreadable times are passed over."""

    def __init__(self) -> None:
        self._last: str | None = None

    def violations(self, body: bytes, lines: Sequence[bytes]) -> int:
        """How often the time went up in this page, its first record against the last one of the page before."""
        times = _times(body, lines)
        if not times:
            return 0
        if self._last is not None:
            times.insert(0, self._last)
        self._last = times[-1]
        # Times of one width and zone sort as text; sorting what is sorted already costs one pass in C.
        if len({(len(time), time[-1:]) for time in times}) == 1 and times == sorted(times, reverse=True):
            return 0
        moments = [moment for moment in map(_moment, times) if moment is not None]
        return sum(later > earlier for earlier, later in itertools.pairwise(moments))


def item_time(line: bytes) -> str | None:
    """The text of `id.time` of one record; None when there is none."""
    try:
        found = _item_time(line)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return None
    return found.id.time if found.id else None


def _times(body: bytes, lines: Sequence[bytes]) -> list[str]:
    try:
        found = [item.id.time if item.id else None for item in _body_times(body).items or ()]
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        found = [item_time(line) for line in lines]
    return [time for time in found if time]


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
