"""Up to when each application had been read at each place of the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from lakehouse.landing.manifest import Manifest


def read_before(manifests: Iterable[Manifest]) -> dict[int, dt.datetime]:
    """Number of a manifest -> the newest instant that its application had been read up to by those before it, holes or not.

    `manifests`: in the order of the log. Those before whom nothing of their application was covered are not in it.
    """
    found: dict[int, dt.datetime] = {}
    newest: dict[str, dt.datetime] = {}
    for m in manifests:
        if m.application in newest:
            found[m.number] = newest[m.application]
        if m.covered is not None:
            newest[m.application] = max(m.covered.end, newest.get(m.application, m.covered.end))
    return found
