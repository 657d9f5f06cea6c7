"""Lines that are no JSON, but that a tolerant reader can still cut out of a page: on one line, braces balanced, strings closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lakehouse.datasets.workspace_audit.generator.served import Served, dump

PARAMETERS = r'"parameters":\[\{'
"""Expression for a line of which some event has parameters."""
FIRST_PARAMETERS = r'"events":\[\{[^\[\]{}]*' + PARAMETERS
"""Expression for a line of which the first event has parameters."""

_MARK = "@@MARK@@"
_QUOTED = f'"{_MARK}"'.encode()
_BARE = _MARK.encode()

# Lines are routed by what a JSON reader finds at id.time. One that skips the rest of the record stumbles over broken syntax, but not over these.
_UNNOTICED = {"duplicate_key", "invalid_utf8"}
_ANY_EVENT = {"duplicate_key", "trailing_comma"}  # these spoil no parameter

Spoil = Callable[[dict[str, Any]], bytes]


def malformed_kinds() -> Iterator[tuple[str, str, Callable[[Served, np.random.Generator], list[Served]]]]:
    """(variant, expression that the line must match, what makes it) of each kind, with and without a readable id.time."""
    for name, spoil in _SPOILERS.items():
        needs = PARAMETERS if name in _ANY_EVENT else FIRST_PARAMETERS
        yield name, needs, _making(name, spoil, timed=True)
        yield f"{name}_untimed", needs, _making(name, spoil, timed=False)


def _making(name: str, spoil: Spoil, *, timed: bool) -> Callable[[Served, np.random.Generator], list[Served]]:
    def make(activity: Served, rng: np.random.Generator) -> list[Served]:
        record = activity.record()
        if not timed and rng.random() < 0.5:
            record["id"]["time"] = "n/a"
        elif not timed:
            del record["id"]["time"]
        return [activity.unreadable(spoil(record), placed=timed and name in _UNNOTICED)]

    return make


def _marked(record: dict[str, Any], member: str) -> bytes:
    record["events"][0]["parameters"][0] = {"name": "spoiled", member: _MARK}
    return dump(record)


def _nan(record: dict[str, Any]) -> bytes:
    return _marked(record, "intValue").replace(_QUOTED, b"NaN")


def _control(record: dict[str, Any]) -> bytes:
    return _marked(record, "value").replace(_BARE, b"one\x01two")


def _duplicate_key(record: dict[str, Any]) -> bytes:
    return dump(record).replace(b'"name":"', b'"name":"first","name":"', 1)


def _trailing_comma(record: dict[str, Any]) -> bytes:
    return dump(record).removesuffix(b"]}") + b",]}"


def _surrogate(record: dict[str, Any]) -> bytes:
    return _marked(record, "value").replace(_BARE, b"half \\ud83d a smile")


def _utf8(record: dict[str, Any]) -> bytes:
    return _marked(record, "value").replace(_BARE, b"Zo\xeb")


_SPOILERS: dict[str, Spoil] = {
    "nan": _nan,
    "control_character": _control,
    "duplicate_key": _duplicate_key,
    "trailing_comma": _trailing_comma,
    "lone_surrogate": _surrogate,
    "invalid_utf8": _utf8,
}
