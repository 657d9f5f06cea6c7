"""Text that is gone, of sealed days (their raw has expired) and of erased lines. What landed is still known by its identity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from lakehouse.contracts.grain import Grain
from lakehouse.errors import TransientError
from lakehouse.landing.manifest import LineRef, Part
from lakehouse.landing.moved import Erasure
from lakehouse.landing.state import Ledger, Seal


def expired(day: dt.date, seal: Seal) -> str:
    """That the raw of a day is gone, in words."""
    return f"raw of {day} has expired (sealed on {seal.at:%Y-%m-%d %H:%M} UTC by manifest {seal.number})"


def expired_part(ledger: Ledger, path: str) -> str | None:
    """The same for the day of a part; None while its raw is there."""
    found = ledger.seal_of(path)
    return expired(*found) if found is not None else None


def erased(erasure: Erasure) -> str:
    """That a line was erased, in words."""
    return f"erased on {erasure.at:%Y-%m-%d} by manifest {erasure.number}"


def erased_line(ledger: Ledger, ref: LineRef) -> str | None:
    """The same for a line; None while nobody erased it."""
    found = ledger.erasure_of(ref.part, ref.line)
    return erased(found) if found is not None else None


def gone_line(ledger: Ledger, ref: LineRef) -> str | None:
    """Why a line has no text any more; None while it has one."""
    return erased_line(ledger, ref) or expired_part(ledger, ref.part)


def refuse_sealed(ledger: Ledger, parts: Iterable[Part]) -> None:
    """Raise `TransientError` when a part lies on a day that was sealed after its lines had been given their place: nothing lands on such a day."""
    for part in parts:
        day = Grain.parse(part.grain).date
        if day in ledger.sealed:
            raise TransientError(f"Lines of {day} were about to land, but {expired(day, ledger.sealed[day])} in the meantime. Fetch them again.")
