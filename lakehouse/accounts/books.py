"""The books: every line and every row is in exactly one term, and the terms add up at tolerance zero.

fetch:  read = re_read + placed + unplaced
lines:  lines = blank + erased + superseded + unreadable + records
rows:   rows = quarantined + filtered + held + duplicate + kept
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class FetchBooks(msgspec.Struct, frozen=True):
    """What became of the lines that one fetch read."""

    read: int = 0
    re_read: int = 0
    placed: int = 0
    unplaced: int = 0

    def difference(self) -> int:
        """What is missing (positive) or too much (negative); 0 when the books close."""
        return self.read - self.re_read - self.placed - self.unplaced

    def __add__(self, other: FetchBooks) -> FetchBooks:
        return FetchBooks(self.read + other.read, self.re_read + other.re_read, self.placed + other.placed, self.unplaced + other.unplaced)


class Books(msgspec.Struct, frozen=True):
    """What became of the lines of a part, a grain or a day, and of the rows that they told of."""

    lines: int = 0
    blank: int = 0
    erased: int = 0
    superseded: int = 0
    unreadable: int = 0
    records: int = 0
    rows: int = 0
    quarantined: int = 0
    filtered: int = 0
    held: int = 0
    duplicate: int = 0
    kept: int = 0

    def differences(self) -> tuple[int, int]:
        """(of lines, of rows): what is missing (positive) or too much (negative); (0, 0) when the books close."""
        lines = self.lines - self.blank - self.erased - self.superseded - self.unreadable - self.records
        rows = self.rows - self.quarantined - self.filtered - self.held - self.duplicate - self.kept
        return lines, rows

    def balanced(self) -> bool:
        """Whether both equations hold."""
        return self.differences() == (0, 0)

    def __add__(self, other: Books) -> Books:
        return Books(*(getattr(self, f) + getattr(other, f) for f in self.__struct_fields__))


def total(books: Iterable[Books]) -> Books:
    """The sum of books; zeros for none."""
    result = Books()
    for one in books:
        result = result + one
    return result
