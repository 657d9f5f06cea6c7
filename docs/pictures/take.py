"""Take the pictures of this folder again, from Dagster's UI over a demo lake, in a real browser.

    lakehouse demo --lake /tmp/demo
    python docs/pictures/take.py /tmp/demo

Needs Chromium at /usr/bin/chromium and the development dependencies (Playwright). The lake is copied, and one raw part of the copy is cut short for
the picture of the day that failed; the demo lake itself is not changed. Give names (`groups`, `lineage`, `clean`, `mart`, `checks`, `failed`,
`log`, `quarantine`) to take only these.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from lakehouse.cli.processes import answers, free_port
from lakehouse.datasets.registry import find_dataset
from lakehouse.defs.run import materialize_clean
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake, open_lake

HERE = Path(__file__).parent
NAME = "workspace_audit"
DAY, BROKEN = dt.date(2026, 11, 18), dt.date(2026, 11, 17)
PARTITIONS = f"/assets/clean/{NAME}?view=partitions&partition="
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 300_000  # of a machine that has much else to do
# All marts would be a wall: the layers, and one family of marts of each area.
SHOWN = [f"raw/{NAME}", f"clean/{NAME}", f"quarantine/{NAME}"] + [
    f"marts/audit_{mart}"
    for mart in ("user_hours", "top_users", "daily_trend", "user_scopes", "scope_drift", "login_activity", "failed_logins", "quarantined")
]


def groups(page: Page) -> None:
    """All datasets, a group each."""
    _open(page, "/asset-groups", 1200, 760, page.get_by_text(NAME).first)
    until(lambda: not page.get_by_text("fetching statuses").count(), "the statuses of the groups")
    page.screenshot(path=HERE / "groups.png")


def lineage(page: Page) -> None:
    """The layers and some of the marts, zoomed to fit."""
    _open(page, "/asset-groups", 1560, 1100, page.locator(".CodeMirror"))
    page.locator(".CodeMirror").click()
    page.keyboard.insert_text(" or ".join(f'key:"{asset}"' for asset in SHOWN))
    page.keyboard.press("Enter")
    nodes = page.locator("foreignObject", has_text="Partitions")
    until(lambda: nodes.count() == len(SHOWN) and not page.get_by_text("Loading").count(), "the graph")
    boxes = [box for node in nodes.all() if (box := node.bounding_box())]
    left, top = min(b["x"] for b in boxes) - 16, min(b["y"] for b in boxes) + 8  # a box has room above it
    right, bottom = max(b["x"] + b["width"] for b in boxes) + 16, max(b["y"] + b["height"] for b in boxes) + 16
    page.screenshot(path=HERE / "lineage.png", clip={"x": left, "y": top, "width": right - left, "height": bottom - top})


def clean(page: Page) -> None:
    """A day of clean: counts, charts and books."""
    _open(page, f"{PARTITIONS}{DAY}", 1400, 1420, page.get_by_text("rows_per_day"))
    page.screenshot(path=HERE / "clean.png")


def mart(page: Page) -> None:
    """A mart with its trends."""
    _open(page, f"/assets/marts/audit_daily_trend?view=partitions&partition={DAY}", 1400, 920, page.get_by_text("events_by_application"))
    page.screenshot(path=HERE / "mart.png")


def checks(page: Page) -> None:
    """The checks of clean."""
    _open(page, f"/assets/clean/{NAME}?view=checks&checkDetail=contract", 1400, 860, page.get_by_text("Latest execution"))
    page.screenshot(path=HERE / "checks.png")


def quarantine(page: Page) -> None:
    """A day of quarantine: rules, and where to look."""
    _open(page, f"{PARTITIONS}{DAY}".replace("clean", "quarantine"), 1600, 1240, page.get_by_text("unreadable_json").first)
    page.screenshot(path=HERE / "quarantine.png")


def failed(page: Page) -> None:
    """A range with one day that failed."""
    _open(page, f"{PARTITIONS}{BROKEN}", 1400, 760, page.get_by_text("did not materialize this asset"))
    page.screenshot(path=HERE / "failed.png")


def log(page: Page) -> None:
    """What the log of that run says."""
    _open(page, f"{PARTITIONS}{BROKEN}", 1400, 1060, page.get_by_text("did not materialize this asset"))
    page.get_by_role("link", name=re.compile(r"^[0-9a-f]{8}$")).first.click()  # the run in the red banner
    page.get_by_text("is damaged or cut short").first.wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(1500)  # the list scrolls to its end by itself
    # What follows is a stack trace, and tells of the machine.
    page.screenshot(path=HERE / "log.png", clip={"x": 0, "y": 0, "width": 1400, "height": 622})


BEFORE, AFTER = (groups, lineage, clean, mart, checks), (failed, log, quarantine)


def main(source: Path, names: Sequence[str]) -> None:
    """Copy the lake, start the UI, take the pictures; break a day in between."""
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake(shutil.copytree(source, Path(folder) / "lake"))
        with (
            serving(lake) as url,
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS) as browser,
        ):
            page = browser.new_page(base_url=url)
            for picture in BEFORE:
                if _take(picture.__name__, names):
                    picture(page)
            if any(_take(picture.__name__, names) for picture in AFTER):
                break_a_day(lake)
            for picture in AFTER:
                if _take(picture.__name__, names):
                    picture(page)


def break_a_day(lake: Lake) -> None:
    """Cut the largest raw part of a day short and build the days around it anew."""
    dataset, ledger = find_dataset(NAME), load_ledger(lake, NAME)
    parts = [landed.part for grain in ledger.grains(BROKEN) for landed in ledger.parts[grain.key]]
    file = Path(str(lake.store.root)) / max(parts, key=lambda part: part.size).path
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    day = dt.timedelta(days=1)
    print(materialize_clean(lake, dataset, [BROKEN - day, BROKEN, BROKEN + day], force=True).failures)


def _take(name: str, names: Sequence[str]) -> bool:
    return not names or name in names


def _open(page: Page, path: str, width: int, height: int, wanted: Locator) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(path, timeout=PATIENCE_MS)
    wanted.wait_for(timeout=PATIENCE_MS)
    hide = page.get_by_text("Hide navigation")
    if hide.is_visible():
        hide.click()
    page.wait_for_timeout(1500)  # fonts and animations


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something; raises `TimeoutError`."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {PATIENCE_MS // 1000} seconds for {what}.")
        time.sleep(0.5)


@contextlib.contextmanager
def serving(lake: Lake) -> Iterator[str]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("lakehouse")), "--lake", str(lake.store.root), "dev", "--port", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: process.poll() is not None or answers(f"{url}/server_info"), "lakehouse dev")
        if process.poll() is not None:
            raise ChildProcessError(f"It ended by itself with code {process.returncode}; start it by hand to see why: {' '.join(command)}")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
