"""Lateness as histograms that can be added: bucket (upper bound in seconds) -> count."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MINUTE, HOUR, DAY = 60, 3600, 86400
# Fine where an overlap may end (3 minutes to 6 hours), coarse beyond. The last one takes the rest.
BUCKETS: tuple[int, ...] = (
    0, MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, 45 * MINUTE,
    HOUR, 90 * MINUTE, 2 * HOUR, 3 * HOUR, 4 * HOUR, 5 * HOUR, 6 * HOUR, 9 * HOUR, 12 * HOUR,
    DAY, 2 * DAY, 3 * DAY, 7 * DAY, 30 * DAY, 180 * DAY, 100 * 365 * DAY,
)  # fmt: skip
LONGEST = BUCKETS[-2]


@dataclass(frozen=True)
class Recovered:
    """What the fetches of one purpose found late: `count` of all `late` ones. `share`: from 0 to 1, None while nothing was late."""

    purpose: str
    count: int
    late: int
    share: float | None


def recovered(found: Mapping[str, int], purposes: Sequence[str]) -> tuple[Recovered, ...]:
    """The share of each purpose in all late first sightings. `found`: purpose -> late first sightings; `purposes`: those to name in any case."""
    late = sum(found.values())
    names = [*purposes, *sorted(set(found) - set(purposes))]
    return tuple(Recovered(name, found.get(name, 0), late, found.get(name, 0) / late if late else None) for name in names)


def bucket(seconds: float) -> int:
    """Upper bound of the bucket that holds this many seconds; 0 for none or less."""
    return BUCKETS[min(bisect.bisect_left(BUCKETS, seconds), len(BUCKETS) - 1)]


def unbounded(bucket: int) -> bool:
    """Whether it is the bucket that takes the rest: its bound says nothing, and what is in it lies above `LONGEST`."""
    return bucket > LONGEST


def histogram(seconds: npt.NDArray[np.int64], counts: npt.NDArray[np.int64] | None = None) -> dict[int, int]:
    """The histogram of many, as `bucket` puts them. `counts`: how often each of `seconds` is there (shape of `seconds`), default once."""
    import numpy as np  # whoever only reads a ledger need not wait for it

    places = np.minimum(np.searchsorted(BUCKETS, seconds, side="left"), len(BUCKETS) - 1)
    sums = np.bincount(places, weights=counts, minlength=len(BUCKETS))
    return {BUCKETS[place]: int(sums[place]) for place in np.flatnonzero(sums).tolist()}


def add(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    """The sum of two histograms."""
    return {b: one.get(b, 0) + other.get(b, 0) for b in sorted({*one, *other})}


def total(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """The sum of histograms; empty for none."""
    result: dict[int, int] = {}
    for one in histograms:
        result = add(result, one)
    return result


def quantile(histogram: Mapping[int, int], share: float) -> int | None:
    """The upper bound, in seconds, below which this share of the counts lies; None for an empty histogram."""
    wanted = share * sum(histogram.values())
    reached = 0
    for bucket in sorted(histogram):
        reached += histogram[bucket]
        if reached >= wanted and reached:
            return bucket
    return None
