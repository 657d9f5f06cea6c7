"""Make a lake of thirty days with every trouble an operator meets, and take the pictures of the walk in docs/operations.md from Dagster's UI.

    python docs/pictures/walk.py /tmp/walk

One day of raw is damaged, one hour was never fetched, one hour came late and waits, a command was killed. Takes some minutes; a lake that is there
already is used as it is. Needs what `take.py` needs.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from playwright.sync_api import Page, sync_playwright
from take import FLAGS, HERE, NAME, PATIENCE_MS, serving, until

from lakehouse.datasets.registry import find_dataset
from lakehouse.datasets.workspace_audit.generator import generate
from lakehouse.datasets.workspace_audit.generator.options import LateHour
from lakehouse.defs.run import materialize_clean
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake

NOW = dt.datetime(2026, 11, 20, 1, tzinfo=dt.UTC)
FIRST = dt.datetime(2026, 10, 21, tzinfo=dt.UTC)
LATE_HOUR = dt.datetime(2026, 11, 18, 10, tzinfo=dt.UTC)
MISSING_HOUR = dt.datetime(2026, 11, 12, 7, tzinfo=dt.UTC)
BROKEN = dt.date(2026, 11, 5)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
RED = "[style*='color-accent-red']"  # the dot of what failed


def make(root: Path) -> Lake:
    """Thirty days, fetched, built and published; then the troubles."""
    lake = open_lake(root)
    source = {"simulated": "activities", "applications": ["token", "login", "saml", "admin", "drive"]}
    before = NOW - 2 * HOUR
    lake = lake.with_settings(LakeSettings(clock=before, datasets={NAME: DatasetSettings(start=FIRST.date(), source=source)}))
    generate(root / "activities", seed=7, start=FIRST, end=NOW, events=90_000, users=150, late=(LateHour(LATE_HOUR, NOW - HOUR),))
    _run(root, "fetch", "--from", FIRST, "--to", MISSING_HOUR)
    _run(root, "fetch", "--from", MISSING_HOUR + HOUR, "--to", before)
    _run(root, "replay", "--stale")
    lake = lake.with_settings(msgspec.structs.replace(lake.settings, clock=NOW))
    _run(root, "fetch", "--from", LATE_HOUR, "--to", LATE_HOUR + HOUR)  # what is late has landed and waits
    _break(lake)
    _kill(root)
    return lake


def _run(root: Path, *arguments: object) -> None:
    words = [f"{a:%Y-%m-%dT%H:%M}" if isinstance(a, dt.datetime) else str(a) for a in arguments]
    subprocess.run([_command(), "--lake", str(root), *words], check=True)


def _command() -> str:
    return str(Path(sys.executable).with_name("lakehouse"))


def _break(lake: Lake) -> None:
    ledger = load_ledger(lake, NAME)
    parts = [landed.part for grain in ledger.grains(BROKEN) for landed in ledger.parts[grain.key]]
    file = Path(str(lake.store.root)) / max(parts, key=lambda part: part.size).path
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    print(materialize_clean(lake, find_dataset(NAME), [BROKEN - DAY, BROKEN, BROKEN + DAY], force=True).failures)


def _kill(root: Path) -> None:
    """A command is killed over a range of days, and run again."""
    days = ("replay", "--from", "2026-10-25", "--to", "2026-11-02", "--no-marts")
    command = [_command(), "--lake", str(root), *days, "--force"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(8)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _run(root, *days)


def lineage(page: Page) -> None:
    """What is wrong: one group shows red."""

    def one_red() -> None:
        _said(page, NAME)
        until(lambda: not page.get_by_text("fetching statuses").count(), "the statuses of the groups")
        groups = page.locator("foreignObject").filter(has=page.locator(RED))
        until(lambda: groups.count() == groups.filter(has_text=NAME).count() == 1, f"one red group, {NAME}")

    _shoot(page, "/asset-groups", "walk_lineage", (1200, 760), one_red)


def days(page: Page) -> None:
    """Since when: the day that failed."""
    _shoot(page, f"/assets/clean/{NAME}?view=partitions", "walk_days", (1200, 420), lambda: _said(page, "Failed (1)"))


def hours(page: Page) -> None:
    """The hour that was never fetched."""

    def only_missing() -> None:
        _said(page, "Missing (")
        for status in ("Failed", "Materialized", "Materializing"):
            page.get_by_text(f"{status} (").first.click()
        _said(page, f"{MISSING_HOUR:%Y-%m-%dT%H}")

    _shoot(page, f"/assets/raw/{NAME}?view=partitions", "walk_hours", (1200, 480), only_missing)


def holes(page: Page) -> None:
    """The check that says so: for which day, and which hours."""

    def day_with_the_hole() -> None:
        _said(page, "Latest execution")  # the check's own tabs are there
        page.get_by_role("tab", name="Partitions").last.click()
        _said(page, "Failed (1)")
        page.get_by_text(f"{MISSING_HOUR:%Y-%m-%d}", exact=True).first.click()
        _said(page, f"token: {MISSING_HOUR:%H:%M}-{MISSING_HOUR + HOUR:%H:%M}")

    _shoot(page, f"/assets/clean/{NAME}?view=checks&checkDetail=holes&status=FAILED", "walk_holes", (1200, 800), day_with_the_hole)


def late(page: Page) -> None:
    """The day that a late hour waits for."""
    _shoot(
        page, f"/assets/clean/{NAME}?view=partitions&partition={LATE_HOUR:%Y-%m-%d}", "walk_late", (1200, 480), lambda: _said(page, "Unsynced (1)")
    )


def runs(page: Page) -> None:
    """What was run: one run that was killed, and one that met the damaged day."""

    def both() -> None:
        until(lambda: page.get_by_text("Failure", exact=True).count() == 2, "the run that was killed, and the one that failed by itself")

    _shoot(page, "/runs", "walk_runs", (1200, 560), both)


def _said(page: Page, text: str) -> None:
    page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)


def _shoot(page: Page, path: str, name: str, size: tuple[int, int], ready: Callable[[], None]) -> None:
    """Take a picture of a page when it shows what the picture is for; fails when it does not come to that."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(path, timeout=PATIENCE_MS)
    ready()
    hide = page.get_by_text("Hide navigation")
    if hide.is_visible():
        hide.click()
    page.wait_for_timeout(2000)  # fonts and animations
    page.screenshot(path=HERE / f"{name}.png")


def main(root: Path) -> None:
    """Make the lake unless it is there, start the UI, take the pictures."""
    lake = open_lake(root) if (root / "lake.json").is_file() else make(root)
    with (
        serving(lake) as url,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS) as browser,
    ):
        page = browser.new_page(base_url=url)
        for picture in (lineage, days, hours, holes, late, runs):
            picture(page)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
