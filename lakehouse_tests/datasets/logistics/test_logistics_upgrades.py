"""Version 1 of an event in the layout of version 2."""

from __future__ import annotations

from typing import Any

import polars as pl
from dataset_lines import changed, table_of
from hypothesis import given
from hypothesis import strategies as st
from logistics_lines import DATASET, FIRST, SECOND, run

from lakehouse.datasets.logistics.upgrades import from_1_to_2

_TEXT = st.none() | st.sampled_from(["a", "b"])


def upgraded(*records: dict[str, Any]) -> list[dict[str, Any]]:
    frame: Any = pl.from_arrow(table_of(DATASET, *records))
    after = from_1_to_2(frame)
    assert after.schema == frame.schema
    return after["payload"].to_list()


def test_everything_is_at_its_new_place_and_nothing_at_the_old() -> None:
    (payload,) = upgraded(FIRST)
    there = {name: value for name, value in payload.items() if value is not None}
    assert there == {
        "shipment_id": "S1", "status": "picked_up", "facility_id": "F01", "location": {"lat": 52.5, "lon": 13.0},
        "carrier": {"code": "NORD", "service": None}, "estimated_delivery_at": "2026-11-22T00:00:00Z",
        "driver": {"id": "D1", "phone": "+49 (170) 55-0001", "email": "Ada@Example.com"},
    }  # fmt: skip


def test_what_is_not_there_does_not_appear() -> None:
    assert upgraded(changed(FIRST, {"payload": None})) == [None]
    (payload,) = upgraded(changed(FIRST, {"payload": {"shipment_id": "S1"}}))
    assert {name for name, value in payload.items() if value is not None} == {"shipment_id"}


@given(carrier=_TEXT, driver=_TEXT, phone=_TEXT, code=_TEXT, lat=st.none() | st.floats(-90, 90))
def test_both_versions_of_an_event_are_the_same_row(carrier: object, driver: object, phone: object, code: object, lat: object) -> None:
    first = {"shipment_id": "S1", "status": "exception", "carrier_code": carrier, "driver_id": driver, "driver_phone": phone, "exception_code": code,
             "geo": {"lat": lat, "lon": 1}}  # fmt: skip
    second = {"shipment_id": "S1", "status": "exception", "carrier": {"code": carrier}, "driver": {"id": driver, "phone": phone},
              "exception": {"code": code}, "location": {"lat": lat, "lon": 1}}  # fmt: skip
    rows = run(changed(FIRST, {"payload": first}), changed(SECOND, {"payload": second})).rows.drop("_line", "record_version", "telling")
    assert rows.height == 2
    assert rows.n_unique() == 1
