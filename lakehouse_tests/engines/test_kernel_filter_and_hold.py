"""Rows that a dataset leaves out or holds are booked, and each is in one term only."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import polars as pl
from kernel_lines import LANDED, Kernel

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import Records
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.rows import BlockResult, PartContext, process_block

DATASET = find_dataset("workspace_audit")
HOUR = Grain(LANDED.date(), "hour", LANDED.hour - 2)


def leaves_out_logouts(records: Records, contract: Contract) -> pl.DataFrame:
    frame = DATASET.transform(records, contract)
    return frame.with_columns(_filtered=pl.when(pl.col("event_name") == "logout").then(pl.lit("low_value")))


def activity(minute: int, name: str, unique: object = None) -> bytes:
    identity = {"time": f"{HOUR.start + dt.timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S.000Z}", "applicationName": "login", "customerId": "C0"}
    return json.dumps({"id": {**identity, "uniqueQualifier": unique or str(minute)}, "events": [{"name": name}]}).encode()


def run(lines: list[bytes], contract: Contract) -> BlockResult:
    context = PartContext(HOUR, "raw/part", "fetch-1", "login", LANDED)
    return process_block(b"\n".join(lines), 1, contract=contract, transform=leaves_out_logouts, context=context, key=Kernel.key)


def test_a_filtered_row_is_booked_and_not_kept() -> None:
    result = run([activity(1, "login_success"), activity(2, "logout"), activity(3, "logout")], DATASET.contract)
    assert result.books == Books(lines=3, records=3, rows=3, filtered=2, kept=1)
    assert result.rows["event_name"].to_list() == ["login_success"]
    assert result.quarantine.height == 0


def test_a_row_that_came_too_late_is_held_and_one_on_the_edge_is_kept() -> None:
    contract = replace(DATASET.contract, allowed_lateness=LANDED - (HOUR.start + dt.timedelta(minutes=30)))
    result = run([activity(29, "login_success"), activity(30, "login_success"), activity(31, "login_success")], contract)
    assert result.books == Books(lines=3, records=3, rows=3, held=1, kept=2)
    assert [t.minute for t in result.rows["event_time"]] == [30, 31]


def test_the_first_term_that_applies_takes_the_row() -> None:
    """Quarantined before filtered before held."""
    contract = replace(DATASET.contract, allowed_lateness=dt.timedelta(minutes=1))
    lines = [activity(1, "logout", unique=["no text"]), activity(2, "logout"), activity(3, "login_success"), b"", b"{broken"]
    result = run(lines, contract)
    assert result.books == Books(lines=5, blank=1, unreadable=1, records=3, rows=3, quarantined=1, filtered=1, held=1)
    assert result.books.balanced()
    assert sorted(result.quarantine["rule"]) == ["changed_type", "unreadable_json"]
