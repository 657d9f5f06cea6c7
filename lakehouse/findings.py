"""What those who look whether all is in place tell: facts, each good, a note or a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["good", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """One fact. `remedy`: what to do, and what to click, about a note or a fault."""

    name: str
    state: State
    message: str
    remedy: str | None = None
