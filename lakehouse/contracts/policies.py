"""What a contract allows: how much drift, and how late."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class DriftPolicy:
    """When drift is more than a warning. Shares of the rows of a day, 0 to 1; above it the check is an error, so 1.0 is off."""

    unknown_fields_error_share: float = 1.0
    quarantined_error_share: float = 0.05


@dataclass(frozen=True)
class LatenessBy:
    """Allowed lateness by the value of a string column. `allowed`: pairs of a value and what is allowed for it, None for never held; other values
    have the `allowed_lateness` of the contract.
    """

    column: str
    allowed: tuple[tuple[str, dt.timedelta | None], ...]
