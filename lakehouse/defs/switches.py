"""Whether sensors run from the start: only where somebody said so, else every fresh checkout would begin to ask a source."""

from __future__ import annotations

import dagster as dg

from lakehouse.settings import switched_on

ENV_SENSORS = "LAKEHOUSE_SENSORS"


def sensor_status() -> dg.DefaultSensorStatus:
    """RUNNING with `LAKEHOUSE_SENSORS=on`, else STOPPED until they are started in the UI."""
    return dg.DefaultSensorStatus.RUNNING if switched_on(ENV_SENSORS) else dg.DefaultSensorStatus.STOPPED
