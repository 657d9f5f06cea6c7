"""What a sample can be asked for, and the counts of what came of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.accounts.truth import Counts

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sample of `days` days from `start` on with about `events` lines of the feed `events`.

    `clicks`, `requests`: lines of `globo` and `access_log`, as shares of those. `agents`: distinct user agents of people. The others are shares, 0
    to 1. Filtered: `bots` (of sessions and of log lines), `heartbeats`. Kept: `unknown_fields`, `out_of_order` (its line up to ten minutes from its
    place), `late` (comes in a file of its own, later; clicks: one to three days after the session began), `identical` (log lines that follow their
    like).
    Duplicates: `duplicates`; each second log comes once more. Quarantine: `malformed` (no JSON, no row, no log line), `wrong_types`, `missing_keys`,
    `unreadable_times`.
    """

    seed: int = 7
    start: dt.date = dt.date(2026, 11, 1)
    days: int = 5
    events: int = 100_000
    clicks: float = 0.1
    requests: float = 0.1
    agents: int = 2_000
    bots: float = 0.04
    heartbeats: float = 0.08
    unknown_fields: float = 0.001
    out_of_order: float = 0.01
    late: float = 0.004
    identical: float = 0.002
    duplicates: float = 0.004
    malformed: float = 0.0005
    wrong_types: float = 0.0003
    missing_keys: float = 0.0003
    unreadable_times: float = 0.0002

    def spotless(self) -> Arguments:
        """The same without any defect."""
        shares = ("unknown_fields", "out_of_order", "late", "identical", "duplicates", "malformed", "wrong_types", "missing_keys", "unreadable_times")
        return msgspec.structs.replace(self, **dict.fromkeys(shares, 0.0))


@dataclass
class Tally:
    """Counts on their way to a truth. `kept`: (feed, day) -> rows in clean; the lines of a feed are read once, its duplicates included."""

    lines: int = 0
    unplaced: int = 0
    unreadable: int = 0
    quarantined: int = 0
    duplicate: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    filtered: Counter[str] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)

    def refuse(self, rule: str, count: int, *, readable: bool, placed: bool) -> None:
        """Lines that end in quarantine: readable ones as rows."""
        self.lines += count
        self.unplaced += 0 if placed else count
        self.rules[rule] += count
        if readable:
            self.quarantined += count
        else:
            self.unreadable += count

    def filter(self, rule: str, count: int) -> None:
        """Lines whose rows are filtered."""
        self.lines += count
        self.filtered[rule] += count

    def keep(self, feed: str, day: dt.date, count: int) -> None:
        """Lines whose rows are kept."""
        self.lines += count
        self.kept[feed, day.isoformat()] += count

    def repeat(self, count: int) -> None:
        """Lines whose rows were there already."""
        self.lines += count
        self.duplicate += count

    def counts(self) -> Counts:
        """All of it, as every generator tells it."""
        days: Counter[str] = Counter()
        for (_, day), count in self.kept.items():
            days[day] += count
        kept, filtered = sum(days.values()), sum(self.filtered.values())
        rows = self.quarantined + filtered + self.duplicate + kept
        return Counts(
            fetch=FetchBooks(read=self.lines, placed=self.lines - self.unplaced, unplaced=self.unplaced),
            books=Books(
                lines=self.lines, unreadable=self.unreadable, records=rows, rows=rows,
                quarantined=self.quarantined, filtered=filtered, duplicate=self.duplicate, kept=kept,
            ),
            rules={rule: count for rule, count in sorted(self.rules.items()) if count},
            days=dict(sorted((day, count) for day, count in days.items() if count)),
        )  # fmt: skip


def chosen(rng: np.random.Generator, share: float, size: int, free: Mask) -> Mask:
    """A share of so many places, only from those that are free, and at least one of them where any is asked for."""
    places = np.flatnonzero(free)
    wanted = min(len(places), max(1, round(share * size))) if share > 0 else 0
    mask = np.zeros(size, bool)
    mask[rng.choice(places, wanted, replace=False)] = True
    return mask
