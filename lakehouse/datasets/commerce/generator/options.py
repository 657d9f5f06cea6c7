"""What a sample is made from."""

from __future__ import annotations

import datetime as dt

import msgspec


class Defects(msgspec.Struct, frozen=True):
    """Shares, 0 to 1, of the events that are spoilt; an event has one defect at most.

    Refused: `malformed` (cut off), `wrong_type` (a number for the session), `missing_key` (no event id), `unknown_version` (schema version 3),
    `bad_time` (no time). Kept: `unknown_field` (no name in the contract), `moved_type` (a text for `gdpr`, which goes to `_extra`),
    `price_as_number` (money not quoted), `duplicate` (the line once more in its file), `retold` (once more in the late file, in the other
    schema version), `late` (in the late file only), `out_of_order` (up to half an hour later in its file; beside other defects).

    Of the lines of invoices: `repeated` (an identical line, a row of its own), `unsplittable`, `bad_number` (a quantity or a price that is none),
    `bad_price` (four decimals).
    """

    malformed: float = 0.002
    wrong_type: float = 0.001
    missing_key: float = 0.001
    unknown_version: float = 0.0005
    bad_time: float = 0.0005
    unknown_field: float = 0.002
    moved_type: float = 0.0005
    price_as_number: float = 0.0005
    duplicate: float = 0.01
    retold: float = 0.002
    late: float = 0.01
    out_of_order: float = 0.02
    repeated: float = 0.01
    unsplittable: float = 0.001
    bad_number: float = 0.002
    bad_price: float = 0.001


class Arguments(msgspec.Struct, frozen=True):
    """`events`: of the shops, about so many. `invoice_lines`: of the retail feed, about so many. `merchants`: tenants of the event feed."""

    seed: int
    start: dt.date
    days: int
    events: int
    invoice_lines: int = 0
    merchants: int = 12
    defects: Defects = Defects()

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """The days of the sample."""
        return tuple(self.start + dt.timedelta(days=n) for n in range(self.days))
