"""What an operator does in the UI, and what it tells him. GraphQL and the lake itself are asked whether it is true."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys

from browser_story import AFTER, BEFORE, BROKEN, CLEAN, LAST_HOUR, MART, NAME, QUARANTINE, WEEK, Seen, Trouble
from dagster_ui import DagsterUi

import lakehouse
from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.read import read_part
from lakehouse.settings import Lake
from lakehouse.steps.checks import BLOCKING, CHECKS


def test_an_hour_of_raw_is_fetched_by_one_click(lake: Lake, hour: Seen) -> None:
    assert (hour.launched.status, hour.launched.button) == ("SUCCESS", "Launch 1 run"), hour.launched.log
    assert hour.statuses[LAST_HOUR] == "MATERIALIZED"
    parts = load_ledger(lake, NAME).parts[LAST_HOUR]
    lines = sum(p.part.lines for p in parts)
    assert lines
    assert _entry(hour.text, "lines") == str(lines)
    assert _entry(hour.text, "this_fetch_landed") == str(lines)


def test_a_week_of_clean_is_backfilled_from_the_page_of_the_asset(lake: Lake, week: Seen) -> None:
    assert (week.launched.status, week.launched.partitions) == ("COMPLETED_SUCCESS", "7 partitions")
    assert week.statuses == dict.fromkeys(WEEK, "MATERIALIZED")
    assert {"Materialized (7)", "Failed (0)"} <= set(week.text.splitlines())
    built = [day.isoformat() for day in lakehouse.open(lake.url).clean(NAME).days()]
    assert set(WEEK) <= set(built)


def test_only_the_broken_day_of_a_range_is_red(trouble: Trouble) -> None:
    assert (trouble.launched.status, trouble.launched.partitions) == ("COMPLETED_FAILED", "3 partitions")
    assert {day: trouble.statuses[day] for day in (BEFORE, BROKEN, AFTER)} == {BEFORE: "MATERIALIZED", BROKEN: "FAILED", AFTER: "MATERIALIZED"}
    assert {"Failed (1)", "Materialized (9)"} <= set(trouble.day.splitlines())
    assert re.search(r"Run [0-9a-f]{8} failed, and did not materialize this asset", trouble.day)


def test_the_error_names_the_day_the_file_and_what_to_do(trouble: Trouble) -> None:
    assert f"1 of 3 partitions failed: {BROKEN}." in trouble.log
    assert f"{trouble.file} is damaged or cut short" in trouble.log
    assert "Restore the file from a backup" in trouble.log


def test_a_mended_day_is_green_again(lake: Lake, mended: Seen, trouble: Trouble) -> None:
    assert mended.launched.status == "SUCCESS", mended.launched.log
    assert set(mended.statuses.values()) == {"MATERIALIZED"}
    rows = lakehouse.open(lake.url).clean(NAME).scan(dt.date.fromisoformat(BROKEN), dt.date.fromisoformat(AFTER)).collect().height
    assert rows
    assert _entry(mended.text, "dagster/partition_row_count") == str(rows)


def test_the_page_of_a_clean_day_shows_counts_books_and_lateness(ui: DagsterUi, mended: Seen, lake: Lake) -> None:
    text = ui.partitions(CLEAN, WEEK[2], failed=0)
    books = lakehouse.open(lake.url).books(NAME).filter(day=dt.date.fromisoformat(WEEK[2])).sum()
    for term in ("lines", "unreadable", "records"):
        assert f"lines\t{term}\t{books[term][0]}" in text
    for term in ("rows", "quarantined", "duplicate", "kept"):
        assert f"rows\t{term}\t{books[term][0]}" in text
    assert _entry(text, "rows_kept") == str(books["kept"][0])
    assert ui.metadata(CLEAN, WEEK[2])["rows_kept"] == books["kept"][0]
    for title in ("Rows kept, the last 14 days", "Rows by time from event to landing"):
        chart = ui.page.get_by_role("img", name=title)  # without a click: the UI folds what is over 1,000 characters
        assert chart.evaluate("e => e.complete && e.naturalWidth") > 300, "the chart is drawn, not only linked"


def test_the_overview_of_clean_tells_its_columns_and_its_key(ui: DagsterUi, mended: Seen) -> None:
    contract = find_dataset(NAME).contract
    ui.show(f"/assets/{CLEAN}", contract.title, f"Key: {', '.join(contract.key)}", *(column.name for column in contract.table_columns))


def test_the_checks_of_clean_are_told_with_what_they_mean(ui: DagsterUi, mended: Seen) -> None:
    ui.show(f"/assets/{CLEAN}?view=checks&checkDetail=books_balance", f"Checks ({len(CHECKS)})", "the books close", "blocking")
    ui.text(*CHECKS, CHECKS["books_balance"])  # the list is drawn after what stands beside it
    statuses = ui.checks(CLEAN)
    assert set(statuses) == set(CHECKS)
    assert {statuses[name] for name in BLOCKING} == {"SUCCEEDED"}, statuses


def test_the_page_of_quarantine_tells_where_and_never_what(ui: DagsterUi, mended: Seen, lake: Lake) -> None:
    found = lakehouse.open(lake.url).quarantine(NAME)
    day = found["day"].mode().sort()[0]
    here = found.filter(day=day)
    text = ui.partitions(QUARANTINE, day.isoformat(), failed=0)
    assert _entry(text, "dagster/partition_row_count") == str(here.height)
    for rule, count in here["rule"].value_counts().iter_rows():
        assert f"{rule}\t{count}" in text
    for part in here["part"].head(3):
        assert part in text
    for secret in _people(lake, here["part"].unique().to_list()):
        assert secret not in text


def test_a_mart_is_published_with_its_tests_and_any_duckdb_reads_it(ui: DagsterUi, published: Seen, lake: Lake) -> None:
    assert published.launched.status == "SUCCESS", published.launched.log
    assert published.statuses[BROKEN] == "MATERIALIZED"
    rows = _entry(published.text, "dagster/row_count")
    checks = ui.show(f"/assets/{MART}?view=checks", "Checks (1)", "dbt_tests", "tests passed")
    assert re.search(r"(\d+) of \1 tests passed", checks)
    assert ui.checks(MART) == {"dbt_tests": "SUCCEEDED"}
    assert lake.store.root is not None
    path = lake.store.root / "marts" / f"{NAME}.duckdb"
    name = MART.rpartition("/")[2]
    script = f"import duckdb; print(duckdb.connect({str(path)!r}, read_only=True).execute('SELECT count(*) FROM {name}').fetchone()[0])"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert int(told) > 0
    assert rows == told


def _entry(text: str, label: str) -> str:
    """The value of a metadata entry as the page shows it: the next words after its label."""
    found = re.search(rf"^{re.escape(label)}\s+(\S.*)$", text, re.MULTILINE)
    assert found, f"no {label} on the page:\n{text}"
    return found[1].strip()


def _people(lake: Lake, parts: list[str]) -> set[str]:
    """E-mail addresses of the actors in these raw parts."""
    lines = (line for part in parts for block in read_part(lake, part) for line in block.splitlines())
    found = set()
    for line in lines:
        try:
            email = json.loads(line).get("actor", {}).get("email")
        except (ValueError, AttributeError):  # a line that is damaged on purpose names nobody
            continue
        found |= {email} if isinstance(email, str) else set()
    assert found, "there are people in raw"
    return found
