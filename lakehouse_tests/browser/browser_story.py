"""Who and when in the tests of this folder, and what the operator saw."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

from dagster_ui import Launched

NAME = "workspace_audit"
RAW, CLEAN, QUARANTINE, MART = f"raw/{NAME}", f"clean/{NAME}", f"quarantine/{NAME}", "marts/audit_top_users"
FIRST, CLOCK = dt.datetime(2026, 11, 10, tzinfo=dt.UTC), dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
LAST_HOUR = "2026-11-19T23"  # left for the operator to fetch
WEEK = [f"2026-11-{n}" for n in range(10, 17)]
BEFORE, BROKEN, AFTER = "2026-11-17", "2026-11-18", "2026-11-19"


@dataclass(frozen=True)
class Seen:
    """What was launched and what the page said then."""

    launched: Launched
    text: str
    statuses: dict[str, str]


@dataclass(frozen=True)
class Trouble:
    """What the operator saw of a day that went wrong: on the partitions page, and in the log of the run. `file`: what was broken."""

    launched: Launched
    day: str
    log: str
    statuses: dict[str, str]
    file: Path
    good: Path

    def mend(self) -> None:
        """Restore the file from its backup."""
        shutil.copyfile(self.good, self.file)
