"""The sample of the demo: five days of a small company, with every defect and one hour that the API tells of late."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from lakehouse.datasets.workspace_audit.generator.options import APPLICATIONS, COLLECTOR_CLIENT_ID, LateHour
from lakehouse.datasets.workspace_audit.generator.run import Progress, generate
from lakehouse.datasets.workspace_audit.generator.truth import Truth

DEMO_SEED = 20_261_120
# The least in which the hour with far too many calls (two thirds into the sample) has four days before it, which is when it can be told as one.
DEMO_DAYS = 5
DEMO_ACTIVITIES = 60_000
# Before `now` the late hour becomes visible; a first fetch by a clock of `now - DEMO_FIRST_LOOK` does not see it, one at `now` does.
DEMO_LATE_VISIBLE = dt.timedelta(hours=1)
DEMO_FIRST_LOOK = dt.timedelta(hours=2)
# Settings of the source that make the most of the sample.
DEMO_SOURCE = {"applications": list(APPLICATIONS), "collector_client_id": COLLECTOR_CLIENT_ID}


def small_demo(folder: Path, now: dt.datetime, *, progress: Progress | None = None) -> Truth:
    """Five days up to the hour of `now` (aware), 60,000 activities.

    The late hour is at 10:00 UTC of the day before yesterday (`truth.arguments.late[0]`).
    """
    end = now.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    hour = (end - dt.timedelta(days=2)).replace(hour=10)
    late = LateHour(hour, end - DEMO_LATE_VISIBLE)
    return generate(
        folder, seed=DEMO_SEED, start=end - dt.timedelta(days=DEMO_DAYS), end=end, events=DEMO_ACTIVITIES, users=120, late=(late,), progress=progress
    )
