"""Every raw line that holds a text, found by reading all of raw: what is to be erased of a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lakehouse.errors import ConfigurationError
from lakehouse.landing.read import read_part
from lakehouse.landing.state import Ledger
from lakehouse.settings import Lake

_FEWEST = 4  # characters: what is shorter is in lines of everybody
_NEWLINE, _BACKSLASH = 10, 92
_ESCAPE = re.compile(rb'\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(["\\/bfnrt])')
_NAMED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_DEEPEST = 3  # JSON in a string of JSON in a string
_ADDRESS = re.compile(r"[^\s@]+@[\w-]+(?:\.[\w-]+)+")


class Sought:
    """Texts that are looked for. Capital and small letters of ASCII are the same.

    An e-mail address is found as a whole only: `ada@example.com` is neither in `nada@example.com` nor in `ada@example.com.au`; with `%40` for its @
    it is found too. Any other text is found wherever it stands. Raises `ConfigurationError` for one that is too short to mean somebody.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._needles: list[tuple[bytes, re.Pattern[bytes] | None]] = []
        for value in values:
            text = value.strip()
            if len(text) < _FEWEST:
                raise ConfigurationError(f"A value of {len(text)} characters would be found in lines of everybody. Expected at least {_FEWEST}.")
            forms = (text, text.replace("@", "%40")) if _ADDRESS.fullmatch(text) else (text,)
            self._needles += [(form.encode().lower(), _whole(form) if len(forms) > 1 else None) for form in forms]

    def lines(self, block: bytes) -> list[int]:
        """The places, from 0, of the lines of a block that hold one of the texts, as it stands there or behind escapes of JSON; sorted."""
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == _NEWLINE)
        found = set(np.searchsorted(ends, self._places(block.lower())).tolist())
        escaped = set(np.searchsorted(ends, np.flatnonzero(data == _BACKSLASH)).tolist()) - found
        edges = [-1, *ends.tolist(), len(block)]
        return sorted(found | {n for n in escaped if self._behind_escapes(block[edges[n] + 1 : edges[n + 1]])})

    def _places(self, text: bytes) -> list[int]:
        places = []
        for needle, whole in self._needles:
            at = text.find(needle)
            while at >= 0:
                if whole is None or whole.match(text, at):
                    places.append(at)
                at = text.find(needle, at + 1)
        return places

    def _behind_escapes(self, line: bytes) -> bool:
        for _ in range(_DEEPEST):
            plain = _ESCAPE.sub(_unescaped, line)
            if plain == line:
                return False
            if self._places(plain.lower()):
                return True
            line = plain
        return False


def _whole(address: str) -> re.Pattern[bytes]:
    """The address where nothing beside it makes it another. An escape of a URL may stand before it."""
    before = rb"(?:(?<![a-z0-9_.+\x80-\xff-])|(?<=%[0-9a-f]{2}))"
    return re.compile(before + re.escape(address.encode().lower()) + rb"(?![a-z0-9_\x80-\xff-]|\.[a-z0-9])")


def _unescaped(found: re.Match[bytes]) -> bytes:
    high, low, unit, sign = found.groups()
    if high is not None:
        return chr(0x10000 + (int(high, 16) - 0xD800 << 10) + int(low, 16) - 0xDC00).encode()
    if unit is not None:
        return chr(int(unit, 16)).encode(errors="surrogatepass")
    return _NAMED.get(sign, sign)


def find_lines(lake: Lake, ledger: Ledger, values: Sequence[str], progress: Callable[[int, int], None] | None = None) -> dict[str, frozenset[int]]:
    """Part path -> numbers of its lines that hold one of the values, over all raw that is still there. `progress(done, parts)`."""
    sought = Sought(values)
    parts = [p.part for landed in ledger.parts.values() for p in landed if ledger.seal_of(p.part.path) is None]
    found: dict[str, frozenset[int]] = {}
    for done, part in enumerate(parts):
        if progress is not None:
            progress(done, len(parts))
        numbers: set[int] = set()
        first = 1
        for block in read_part(lake, part):
            numbers.update(first + place for place in sought.lines(block))
            first += block.count(b"\n")
        if left := numbers - ledger.erased(part.path):
            found[part.path] = frozenset(left)
    return found
