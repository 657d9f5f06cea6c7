"""What shipments are carried by, over and through. Each changes slowly: a row holds from `valid_from` until the next of the same thing begins."""

from __future__ import annotations

from lakehouse.contracts.model import Column
from lakehouse.datasets.model import Csv, Dimension

_SINCE = Column("valid_from", "timestamp", "First instant at which it holds (UTC).", "valid_from", nullable=False)

CARRIERS = Dimension(
    name="carriers",
    description="Carriers as they were over time.",
    patterns=("dimensions/carriers*.csv", "**/dimensions/carriers*.csv"),
    format=Csv(),
    columns=(
        Column("carrier_code", "string", "Carrier.", "carrier_code", nullable=False),
        _SINCE,
        Column("name", "string", "Name.", "name", nullable=False),
        Column("tier", "string", "Level of its contract.", "tier", allowed=("silver", "gold", "platinum"), open_vocabulary=True),
    ),
    key=("carrier_code", "valid_from"),
    valid_from="valid_from",
)
LANES = Dimension(
    name="lanes",
    description="Lanes from facility to facility as they were over time.",
    patterns=("dimensions/lanes*.csv", "**/dimensions/lanes*.csv"),
    format=Csv(),
    columns=(
        Column("lane_id", "string", "Lane.", "lane_id", nullable=False),
        _SINCE,
        Column("origin_facility_id", "string", "Where it begins.", "origin_facility_id", nullable=False),
        Column("destination_facility_id", "string", "Where it ends.", "destination_facility_id", nullable=False),
        Column("distance_km", "int64", "Length.", "distance_km", minimum=0, unit="km"),
        Column("promised_days", "int64", "Days within which delivery is promised.", "promised_days", minimum=0, unit="days"),
    ),
    key=("lane_id", "valid_from"),
    valid_from="valid_from",
)
FACILITIES = Dimension(
    name="facilities",
    description="Facilities as they were over time.",
    patterns=("dimensions/facilities*.csv", "**/dimensions/facilities*.csv"),
    format=Csv(),
    columns=(
        Column("facility_id", "string", "Facility.", "facility_id", nullable=False),
        _SINCE,
        Column("name", "string", "Name.", "name", nullable=False),
        Column("region", "string", "Region.", "region"),
        Column("capacity_per_hour", "int64", "Shipments that it can take in an hour.", "capacity_per_hour", minimum=0),
    ),
    key=("facility_id", "valid_from"),
    valid_from="valid_from",
)
DIMENSIONS = (CARRIERS, LANES, FACILITIES)
