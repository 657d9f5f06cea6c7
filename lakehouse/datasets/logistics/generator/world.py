"""The carriers, lanes and facilities of a sample: they change over time, as the files of the dimensions tell."""

from __future__ import annotations

import datetime as dt

CARRIERS = ("NORD", "ALPN", "RHIN", "BALT", "ELBE", "ISAR")
FACILITIES = 24
SERVICES = ("standard", "express")
CODES = ("address_unknown", "damaged", "customs", "weather")
SCANS = ("arrival", "sort", "departure")
_REGIONS = ("north", "west", "south", "east")
CARRIER_HEADER = "carrier_code,valid_from,name,tier"
LANE_HEADER = "lane_id,valid_from,origin_facility_id,destination_facility_id,distance_km,promised_days"
FACILITY_HEADER = "facility_id,valid_from,name,region,capacity_per_hour"


def facility_name(number: int) -> str:
    """The id of a facility."""
    return f"F{number:02d}"


def lane_name(origin: int, destination: int) -> str:
    """The id of a lane."""
    return f"{facility_name(origin)}-{facility_name(destination)}"


def position_of(number: int) -> tuple[float, float]:
    """(latitude, longitude) of a facility."""
    return 47.5 + number * 7 % FACILITIES * 0.3, 6.5 + number * 5 % FACILITIES * 0.35


def carriers(start: dt.date, half: dt.date) -> tuple[list[str], list[str]]:
    """(rows known at first, rows that come later): half of the carriers change their tier in the middle of the sample."""
    before = start - dt.timedelta(days=365)
    first = [f"{code},{before}T00:00:00Z,Carrier {code.title()},{'gold' if n % 2 else 'silver'}" for n, code in enumerate(CARRIERS)]
    later = [f"{code},{half}T00:00:00Z,Carrier {code.title()} Logistics,platinum" for n, code in enumerate(CARRIERS) if n % 2]
    return first, later


def facilities(start: dt.date, half: dt.date) -> tuple[list[str], list[str]]:
    """(rows known at first, rows that come later): every third facility is enlarged in the middle of the sample."""
    before = start - dt.timedelta(days=365)
    first = [f"{facility_name(n)},{before}T00:00:00Z,Facility {n},{_REGIONS[n % 4]},{400 + n * 10}" for n in range(FACILITIES)]
    later = [f"{facility_name(n)},{half}T00:00:00Z,Facility {n} Plus,{_REGIONS[n % 4]},{900 + n * 10}" for n in range(0, FACILITIES, 3)]
    return first, later


def lanes(start: dt.date, half: dt.date) -> tuple[list[str], list[str]]:
    """(rows known at first, rows that come later): lanes from the first facility are promised faster from the middle of the sample on."""
    before = start - dt.timedelta(days=365)
    pairs = [(a, b) for a in range(FACILITIES) for b in range(FACILITIES) if a != b]
    first = [_lane(a, b, before, 2 + (a + b) % 2) for a, b in pairs]
    return first, [_lane(a, b, half, 2) for a, b in pairs if a == 0]


def _lane(origin: int, destination: int, since: dt.date, days: int) -> str:
    (lat, lon), (to_lat, to_lon) = position_of(origin), position_of(destination)
    distance = round(111 * ((lat - to_lat) ** 2 + (0.65 * (lon - to_lon)) ** 2) ** 0.5)
    return f"{lane_name(origin, destination)},{since}T00:00:00Z,{facility_name(origin)},{facility_name(destination)},{distance},{days}"
