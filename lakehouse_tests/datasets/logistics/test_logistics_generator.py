"""What the generator writes: the same for the same arguments, and nothing but what its truth tells."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from dataset_lakes import files_of
from logistics_lakes import DEFECTS

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.logistics.generator import DEMO_DAYS, Arguments, Defects, generate, small_demo

ARGUMENTS = Arguments(seed=3, start=dt.date(2026, 3, 2), days=3, events=900, orders=40, flights=12, drivers=9, defects=DEFECTS)


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = (generate(tmp_path / name, ARGUMENTS) for name in ("one", "two"))
    assert one == two == SampleTruth.load(tmp_path / "one")
    texts = [{p.relative_to(tmp_path / name): p.read_bytes() for p in files_of(tmp_path / name)} for name in ("one", "two")]
    assert texts[0] == texts[1]


def test_every_line_that_is_read_is_counted(tmp_path: Path) -> None:
    truth = generate(tmp_path / "sample", ARGUMENTS)
    files = [p for p in files_of(tmp_path / "sample") if "dimensions" not in p.parts and p.name != "truth.json"]
    headers = sum(p.suffix == ".csv" for p in files)
    lines = sum(p.read_bytes().count(b"\n") for p in files) - headers
    books = truth.total.books
    assert books.lines == truth.total.fetch.read == lines
    assert books.balanced()
    assert truth.total.fetch.difference() == 0
    assert sum(truth.total.days.values()) == books.kept


def test_every_defect_is_there_and_none_where_none_is_asked_for(tmp_path: Path) -> None:
    spoilt = {"clock_behind", "steps_swapped"}
    assert set(generate(tmp_path / "all", ARGUMENTS).defects) == set(Defects.__struct_fields__) - spoilt
    none = Defects(**dict.fromkeys(Defects.__struct_fields__, 0.0))
    clean = generate(tmp_path / "none", Arguments(seed=3, start=dt.date(2026, 3, 2), days=3, events=900, defects=none))
    assert clean.defects == {}
    assert clean.total.rules == {}
    assert clean.total.books.kept == clean.total.books.lines
    assert not {"created_after_picked_up", "out_for_delivery_after_delivered"} & set(clean.facts)


def test_both_versions_and_all_types_of_events_are_written_and_come_out_of_order(tmp_path: Path) -> None:
    generate(tmp_path / "sample", ARGUMENTS)
    found, times = set(), []
    for path in (tmp_path / "sample" / "first").glob("events_*.jsonl"):
        for line in path.read_text().splitlines():
            if line.endswith("}") and '"payload":{' in line:
                event = json.loads(line)
                found.add((event["event_type"], event["event_version"]))
                times.append(event["event_time"])
    kinds = ("shipment.created", "shipment.status.changed", "facility.scan", "driver.position")
    assert found >= {(kind, version) for kind in kinds for version in (1, 2)}
    assert times != sorted(times)


@pytest.mark.parametrize(
    "now", [dt.datetime(2026, 11, 21, 1, tzinfo=dt.UTC), dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5)))]
)
def test_the_demo_is_five_days_that_end_yesterday_and_is_small(tmp_path: Path, now: dt.datetime) -> None:
    truth = small_demo(tmp_path / "demo", now)
    yesterday = now.astimezone(dt.UTC).date() - dt.timedelta(days=1)
    assert sorted(truth.total.days) == [str(yesterday - dt.timedelta(days=n)) for n in reversed(range(DEMO_DAYS))]
    assert truth.total.books.lines <= 15_000
    assert (tmp_path / "demo" / "first").is_dir()
    assert (tmp_path / "demo" / "late").is_dir()
