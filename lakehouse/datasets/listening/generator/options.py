"""What a sample can be asked for."""

from __future__ import annotations

import datetime as dt

import msgspec


class Defects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of each defect, as a share of the events, 0 to 1.

    Kept: `late` (in a file that comes later), `out_of_order` (not in its place in its file), `unknown_fields` (end in `_extra`).
    Duplicates: `repeated` (the same line once more in its file), `exported` (the same event in another file too, as CSV), `conflicting` (the same
    event with another status).
    Quarantined: `malformed` (no JSON), `wrong_types` (a list where a text belongs), `missing` (no page), `unknown_level`, `negative_length`,
    `not_a_number` (the length), `damaged_registration`, and with no place in a day `damaged_time` (1.54224E+12), `in_future`, `before_start`.
    """

    late: float = 0.01
    out_of_order: float = 0.01
    unknown_fields: float = 0.002
    repeated: float = 0.004
    exported: float = 0.004
    conflicting: float = 0.001
    malformed: float = 0.001
    wrong_types: float = 0.0005
    missing: float = 0.0005
    unknown_level: float = 0.0005
    negative_length: float = 0.0005
    not_a_number: float = 0.0005
    damaged_registration: float = 0.0005
    damaged_time: float = 0.001
    in_future: float = 0.0002
    before_start: float = 0.0002

    @classmethod
    def none(cls) -> Defects:
        """A sample without any defect."""
        return cls(**dict.fromkeys(cls.__struct_fields__, 0.0))


class Arguments(msgspec.Struct, frozen=True):
    """What a sample is generated from.

    `events`: about how many distinct events there are, over `days` days from `start` on (UTC). `users`, `songs`: the sizes of the populations; 0: as
    fits the events. `csv`: share of the sessions whose events come as CSV. `double_encoded`: share of the songs whose names are. `catalogued`: share
    of the songs that the catalogue knows.
    """

    seed: int
    start: dt.date
    days: int
    events: int
    users: int = 0
    songs: int = 0
    csv: float = 0.15
    double_encoded: float = 0.04
    catalogued: float = 0.7
    defects: Defects = Defects()

    @property
    def population(self) -> int:
        """How many users there are."""
        return self.users or min(200_000, max(40, self.events // 150))

    @property
    def repertoire(self) -> int:
        """How many songs there are."""
        return self.songs or min(50_000, max(300, self.events // 40))
