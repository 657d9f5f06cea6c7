"""The week that samples of the generator tell of."""

from __future__ import annotations

import datetime as dt

START = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
END = START + dt.timedelta(days=7)
