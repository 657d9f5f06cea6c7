"""What a sample can be asked for: which defects in which number, and hours that become visible late."""

from __future__ import annotations

import datetime as dt

import msgspec

APPLICATIONS = ("token", "login", "saml", "admin", "drive")
CUSTOMER_ID = "C03az79cb"
# OAuth client of the collector itself: each of its calls is an activity of the token log, and the impersonated admin its top "user".
COLLECTOR_CLIENT_ID = "100000000000000000001"
COLLECTOR_EMAIL = "audit.collector@example.com"
PLACEHOLDER_PROFILE = "105250506097979753968"


class Defects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of each defect. Below 1: a share of the activities; from 1 on: a number. 0: none.

    Kept rows: `late` (visible 10 minutes to 3 days after the event; outside the token log a fifth of that share), `out_of_order` (its own time lies
    up to 10 minutes before its place), `missing_ip`, `missing_email`, `placeholder_profile`, `revised` (same full id, other events),
    `unknown_fields`, `unknown_parameters`, `network_conflict` (text where `networkInfo` is an object: goes to `_extra`), `numeric_int_value`
    (a JSON number, legal), `old_shape` (token records as of 2017).
    Copies: `repeated` and `repeated_new_etag` (equal but for the etag: re-reads at landing), `reordered` (keys and parameters in another order) and
    `conflicting` (another envelope), both duplicates in clean.
    Quarantine: `malformed` (no JSON), `wrong_types`, `missing_required`, `empty_events`, `not_a_number`, `negative_bytes`, `quarantined_twice`
    (a wrong type and its reordered copy). Unplaced: `time_unreadable`, `before_start`, `in_future`.
    """

    late: float = 0.01
    out_of_order: float = 0.004
    missing_ip: float = 0.01
    missing_email: float = 0.008
    placeholder_profile: float = 0.003
    repeated: float = 0.003
    repeated_new_etag: float = 0.003
    reordered: float = 0.003
    conflicting: float = 0.001
    revised: float = 0.001
    malformed: float = 0.001
    unknown_fields: float = 0.002
    unknown_parameters: float = 0.001
    network_conflict: float = 0.0005
    numeric_int_value: float = 0.001
    old_shape: float = 0.001
    wrong_types: float = 0.001
    missing_required: float = 0.0008
    empty_events: float = 0.0003
    not_a_number: float = 0.0003
    negative_bytes: float = 0.0003
    quarantined_twice: float = 0.0002
    time_unreadable: float = 0.0003
    before_start: float = 0.0002
    in_future: float = 0.0002

    def share(self, name: str, activities: int) -> float:
        """A defect as a share of the activities, 0 to 1."""
        wanted = float(getattr(self, name))
        return min(1.0, wanted if wanted < 1 else wanted / max(activities, 1))

    def number(self, name: str, activities: int) -> int:
        """A defect as a number of activities; at least one where any is asked for."""
        wanted = float(getattr(self, name))
        return 0 if wanted <= 0 else max(1, round(self.share(name, activities) * activities))

    @classmethod
    def none(cls) -> Defects:
        """A sample without any defect."""
        return cls(**dict.fromkeys(cls.__struct_fields__, 0.0))


class LateHour(msgspec.Struct, frozen=True):
    """All events of one application in the hour that begins at `hour` (UTC) become visible at `visible_at`, not before."""

    hour: dt.datetime
    visible_at: dt.datetime
    application: str = "token"


class Arguments(msgspec.Struct, frozen=True):
    """What a sample was generated from. `users`: size of the population."""

    seed: int
    start: dt.datetime
    end: dt.datetime
    events: int
    users: int
    applications: tuple[str, ...] = APPLICATIONS
    defects: Defects = Defects()
    late: tuple[LateHour, ...] = ()
