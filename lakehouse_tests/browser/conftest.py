"""One lake and one `lakehouse dev` over it for all tests of this folder, and what an operator does there, click by click.

Each fixture is one thing that he does and gives what he saw; they follow each other, because what he does changes the lake.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_story import AFTER, BEFORE, BROKEN, CLEAN, CLOCK, FIRST, LAST_HOUR, MART, NAME, RAW, WEEK, Seen, Trouble
from dagster_ui import CHROMIUM, DagsterUi, eventually, open_browser
from playwright.sync_api import sync_playwright

from lakehouse.cli.processes import answers, free_port
from lakehouse.cli.simulated import serving
from lakehouse.datasets.registry import find_dataset
from lakehouse.datasets.workspace_audit.generator import generate
from lakehouse.defs.run import materialize_raw
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser and takes minutes."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser: {CHROMIUM} is not installed"))


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Nine days and 23 hours of a small company have landed through the real client; nothing is built yet. The clock stands still."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "LAKEHOUSE_URL", "LAKEHOUSE_SENSORS", "LAKEHOUSE_REPORTS_API_URL", "LAKEHOUSE_ENV"):
            patch.delenv(name, raising=False)
        patch.setenv("LAKEHOUSE_TOKEN_KEY", "a key for tests that is long enough")
        folder = tmp_path_factory.mktemp("browser") / "lake"
        applications = ("token",)
        generate(folder / "activities", seed=3, start=FIRST, end=CLOCK, events=3000, users=40, applications=applications)
        source = {"simulated": "activities", "applications": list(applications)}
        settings = LakeSettings(clock=CLOCK, datasets={NAME: DatasetSettings(start=FIRST.date(), source=source)})
        made = open_lake(folder).with_settings(settings)
        dataset = find_dataset(NAME)
        with serving(made, dataset):
            materialize_raw(made, dataset, FIRST, CLOCK - dt.timedelta(hours=1)).raise_for_failures()
        yield made


@pytest.fixture(scope="session")
def ui(lake: Lake) -> Iterator[DagsterUi]:
    """A browser on `lakehouse dev` over the lake."""
    root, port = lake.store.root, free_port()
    assert root is not None
    command = [str(Path(sys.executable).with_name("lakehouse")), "--lake", str(root), "dev", "--port", str(port)]
    log = root.parent / "dev.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: process.poll() is not None or answers(f"{url}/server_info"), f"lakehouse dev, see {log}")
        assert process.poll() is None, log.read_text()
        with sync_playwright() as playwright, open_browser(playwright) as browser:
            page = browser.new_page(viewport={"width": 1680, "height": 1050})
            page.set_default_timeout(30_000)
            yield DagsterUi(page, url)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) is not None


@pytest.fixture(scope="session")
def hour(ui: DagsterUi) -> Seen:
    """One hour of raw was materialized."""
    launched = ui.materialize(RAW, LAST_HOUR)
    return Seen(launched, ui.partitions(RAW, LAST_HOUR, missing=1), ui.statuses(RAW))


@pytest.fixture(scope="session")
def week(ui: DagsterUi, hour: Seen) -> Seen:
    """A week of clean was backfilled from the page of the asset."""
    launched = ui.materialize(CLEAN, f"[{WEEK[0]}...{WEEK[-1]}]")
    return Seen(launched, ui.partitions(CLEAN, materialized=7, failed=0), ui.statuses(CLEAN))


@pytest.fixture(scope="session")
def trouble(ui: DagsterUi, lake: Lake, week: Seen) -> Trouble:
    """A raw part of one day was cut short on the disk, then the range around it was materialized, and its log opened by clicking."""
    file = _largest_part(lake, dt.date.fromisoformat(BROKEN))
    good = file.parents[5] / "backup"
    shutil.copyfile(file, good)
    file.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    launched = ui.materialize(CLEAN, f"[{BEFORE}...{AFTER}]")
    day = ui.partitions(CLEAN, BROKEN, "did not materialize this asset", failed=1)
    ui.page.get_by_role("link", name=re.compile(r"^[0-9a-f]{8}$")).first.click()  # the run in the red banner
    return Trouble(launched, day, ui.text("STEP_FAILURE", "Stack Trace"), ui.statuses(CLEAN), file, good)


@pytest.fixture(scope="session")
def mended(ui: DagsterUi, trouble: Trouble) -> Seen:
    """The file was restored and the day materialized."""
    trouble.mend()
    launched = ui.materialize(CLEAN, BROKEN)
    return Seen(launched, ui.partitions(CLEAN, BROKEN, failed=0), ui.statuses(CLEAN))


@pytest.fixture(scope="session")
def published(ui: DagsterUi, mended: Seen) -> Seen:
    """The marts of one day were published, by materializing one of them."""
    launched = ui.materialize(MART, BROKEN)
    return Seen(launched, ui.partitions(MART, BROKEN, failed=0), ui.statuses(MART))


def _largest_part(lake: Lake, day: dt.date) -> Path:
    ledger = load_ledger(lake, NAME)
    parts = [landed.part for grain in ledger.grains(day) for landed in ledger.parts[grain.key]]
    assert lake.store.root is not None
    return lake.store.root / max(parts, key=lambda p: p.size).path
