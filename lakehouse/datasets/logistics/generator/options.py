"""What a sample is made from."""

from __future__ import annotations

import datetime as dt

import msgspec


class Defects(msgspec.Struct, frozen=True):
    """Shares, 0 to 1, of the events that are spoilt; an event has one defect at most.

    Refused: `malformed` (cut off), `wrong_type` (a text for the payload), `missing_key` (no event id), `unknown_version` (version 3), `bad_time`
    (no time), `bad_status` (a status that there is none of; of changes of status). Held: `held` (came later than the contract allows). Kept:
    `unknown_field` (no name in the contract), `duplicate` (the line once more in its file), `retold` (once more in the late file, in the other
    version), `resent` (a change of status once more, under another id), `same_id` (another scan under the same id, a second later, a row of its
    own), `late` (in the late file only, and not too late).

    Of shipments: `clock_behind` (picked up before it was created), `steps_swapped` (delivered before it was out for delivery).
    """

    malformed: float = 0.002
    wrong_type: float = 0.001
    missing_key: float = 0.001
    unknown_version: float = 0.0005
    bad_time: float = 0.0005
    bad_status: float = 0.0005
    held: float = 0.004
    unknown_field: float = 0.002
    duplicate: float = 0.01
    retold: float = 0.003
    resent: float = 0.003
    same_id: float = 0.001
    late: float = 0.01
    clock_behind: float = 0.01
    steps_swapped: float = 0.01


class Arguments(msgspec.Struct, frozen=True):
    """`events`: in envelopes, about so many. `orders`: of the shop's exports. `flights`: about so many. `drivers`: who send their positions."""

    seed: int
    start: dt.date
    days: int
    events: int
    orders: int = 0
    flights: int = 0
    drivers: int = 60
    defects: Defects = Defects()

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """The days of the sample."""
        return tuple(self.start + dt.timedelta(days=n) for n in range(self.days))

    @property
    def half(self) -> dt.date:
        """The day on which producers change over to version 2, and things change."""
        return self.start + dt.timedelta(days=self.days // 2)
