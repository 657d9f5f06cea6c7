"""Whether sensors run from the start: only where somebody said so, else every fresh checkout would begin to ask a source."""

from __future__ import annotations

import os

import dagster as dg

ENV_SENSORS = "LAKEHOUSE_SENSORS"


def sensor_status() -> dg.DefaultSensorStatus:
    """RUNNING with `LAKEHOUSE_SENSORS=on`, else STOPPED until they are started in the UI."""
    return dg.DefaultSensorStatus.RUNNING if os.environ.get(ENV_SENSORS, "").lower() == "on" else dg.DefaultSensorStatus.STOPPED
