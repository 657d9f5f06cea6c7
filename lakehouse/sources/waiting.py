"""What a source is waiting for, and when to tell it in lines that stay."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """One window that waits before it asks again: for what (`cause`, in words), for which try of how many, and for how many more seconds."""

    application: str
    cause: str
    attempt: int
    attempts: int
    seconds: float


def sentence(waits: Sequence[Wait]) -> str:
    """Waits in one sentence: the one that is over next, and how many there are. `waits` holds at least one."""
    first = min(waits, key=lambda wait: wait.seconds)
    causes = ", ".join(sorted({wait.cause for wait in waits}))
    many = f"; {len(waits)} windows wait" if len(waits) > 1 else ""
    return f"waiting for the source ({causes}): {first.application}, try {first.attempt} of at most {first.attempts} in {first.seconds:.0f} s{many}"


class Seldom:
    """Passes a sentence on when waiting begins, when it is for something else, and every `every` seconds after that: a log wants no flood."""

    def __init__(self, tell: Callable[[str], object], *, every: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._every, self._clock = tell, every, clock
        self._told: set[str] = set()
        self._last = 0.0

    def __call__(self, waits: Sequence[Wait]) -> None:
        """Hear what is waited for at this moment; nothing when nothing is."""
        causes = {wait.cause for wait in waits}
        now = self._clock()
        if causes and (not causes <= self._told or now - self._last >= self._every):
            self._told |= causes
            self._last = now
            self._tell(sentence(waits))
