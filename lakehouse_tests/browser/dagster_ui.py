"""Dagster's UI as an operator uses it: pages of a real browser, and GraphQL to compare them with."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Playwright, expect

CHROMIUM = Path("/usr/bin/chromium")
# The first five: no sandbox as root, no graphics card, and no talk with the network behind the back of a test.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
PATIENCE = (
    400.0  # seconds until a launched run or backfill must have ended, on a machine that has much else to do; the daemon looks at backfills every 30
)
STATUSES = ("Failed", "Materialized", "Materializing", "Missing")

_RUNS = "{runsOrError(limit: 50) {... on Runs {results {runId status tags {key value}}}}}"
_BACKFILLS = "{partitionBackfillsOrError(limit: 50) {... on PartitionBackfills {results {id status numPartitions}}}}"
_PARTITIONS = """query($path: [String!]!) {assetNodeOrError(assetKey: {path: $path}) {... on AssetNode {
    partitionKeys assetPartitionStatuses {... on TimePartitionStatuses {ranges {status startKey endKey}}}}}}"""
_NEWEST = """query($path: [String!]!, $partitions: [String!]) {assetNodeOrError(assetKey: {path: $path}) {... on AssetNode {
    assetMaterializations(partitions: $partitions, limit: 1) {runId metadataEntries {label
        ... on IntMetadataEntry {intValue} ... on TextMetadataEntry {text} ... on MarkdownMetadataEntry {mdStr}}}}}}"""
_CHECKS = """query($path: [String!]!) {assetNodeOrError(assetKey: {path: $path}) {... on AssetNode {assetChecksOrError {
    ... on AssetChecks {checks {name blocking executionForLatestMaterialization {status evaluation {description}}}}}}}}"""
_LOG = """query($run: ID!) {logsForRun(runId: $run, limit: 1000) {... on EventConnection {events {
    ... on MessageEvent {message} ... on ExecutionStepFailureEvent {error {message}} ... on RunFailureEvent {error {message}}}}}}"""
_ENDED = ("SUCCESS", "FAILURE", "CANCELED", "COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED")


def open_browser(playwright: Playwright) -> Browser:
    """The system's Chromium."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def eventually(look: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true answer of `look`; `AssertionError` after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited {patience:.0f} s for {what}"
        time.sleep(0.5)


@dataclass(frozen=True)
class Launched:
    """A run or a backfill that was started by a click. `partitions`: as the dialog counted them. `button`: what was clicked. `log`: of a run."""

    id: str
    status: str
    partitions: str
    button: str
    log: str


@dataclass
class DagsterUi:
    """One tab of a browser on `lakehouse dev`."""

    page: Page
    url: str

    def show(self, path: str, *wanted: str) -> str:
        """Open a page and give its text when all of `wanted` stands on it."""
        self.page.goto(self.url + path)
        return self.text(*wanted)

    def text(self, *wanted: str, of: Locator | None = None) -> str:
        """The text of this page, when all of `wanted` stands on it."""
        shown = of or self.page.locator("body")
        for words in wanted:
            expect(shown).to_contain_text(words, timeout=30_000)
        return shown.inner_text()

    def partitions(self, asset: str, partition: str | None = None, says: str = "dagster/", **counts: int) -> str:
        """The partitions page of an asset; waits until it counts e.g. `failed=1`, and until the opened partition says something (its row count)."""
        wanted = [f"{status} ({counts[status.lower()]})" for status in STATUSES if status.lower() in counts]
        path = f"/assets/{asset}?view=partitions" + (f"&partition={partition}" if partition else "")
        return self.show(path, "Partitions Selected", *wanted, *([says] if partition else []))

    def materialize(self, asset: str, partitions: str) -> Launched:
        """Click Materialize, choose partitions, launch, and wait for the end of what was launched."""
        self.partitions(asset)
        before = self._launched()
        self.page.get_by_role("button", name=re.compile("Materialize")).first.click()
        dialog = self.page.get_by_role("dialog")
        sure, chosen = dialog.get_by_role("button", name="Confirm"), dialog.get_by_role("textbox").first
        expect(sure.or_(chosen)).to_be_visible(timeout=30_000)
        if sure.is_visible():  # asked where an asset upstream was never materialized
            sure.click()
        chosen.fill(partitions)
        chosen.press("Enter")
        counted = dialog.get_by_text(re.compile(r"^[1-9]\d* partitions?$")).first.inner_text()
        launch = dialog.get_by_role("button", name=re.compile("^Launch"))
        expect(launch).to_be_enabled()
        button = launch.inner_text()
        launch.click()
        new = eventually(lambda: set(self._launched()) - set(before), "the launch to be known").pop()
        expect(dialog).to_be_hidden(timeout=30_000)
        status = eventually(lambda: s if (s := self._launched()[new]) in _ENDED else None, f"the end of {new}")
        return Launched(new, status, counted, button, self._log(new) if "run" in button else "")

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310  our own address
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def statuses(self, asset: str) -> dict[str, str]:
        """Partition -> MATERIALIZED or FAILED; missing ones are left out."""
        node = self.graphql(_PARTITIONS, path=asset.split("/"))["assetNodeOrError"]
        ranges = node["assetPartitionStatuses"]["ranges"]
        return {k: r["status"] for r in ranges for k in node["partitionKeys"] if r["startKey"] <= k <= r["endKey"]}

    def metadata(self, asset: str, partition: str) -> dict[str, Any]:
        """Metadata of the newest materialization of a partition; values of other kinds than numbers and texts are None."""
        found = self.graphql(_NEWEST, path=asset.split("/"), partitions=[partition])["assetNodeOrError"]["assetMaterializations"][0]
        return {e["label"]: e.get("intValue", e.get("text", e.get("mdStr"))) for e in found["metadataEntries"]}

    def checks(self, asset: str) -> dict[str, str]:
        """Check -> status of its newest execution."""
        found = self.graphql(_CHECKS, path=asset.split("/"))["assetNodeOrError"]["assetChecksOrError"]["checks"]
        return {c["name"]: (c["executionForLatestMaterialization"] or {}).get("status", "NONE") for c in found}

    def _log(self, run: str) -> str:
        events = self.graphql(_LOG, run=run)["logsForRun"]["events"]
        return "\n".join(f"{event.get('message')} {(event.get('error') or {}).get('message', '')}" for event in events)

    def _launched(self) -> dict[str, str]:
        """Runs and backfills that somebody launched, by id; not the runs of a backfill."""
        runs = self.graphql(_RUNS)["runsOrError"]["results"]
        backfills = self.graphql(_BACKFILLS)["partitionBackfillsOrError"]["results"]
        alone = [r for r in runs if not any(t["key"] == "dagster/backfill" for t in r["tags"])]
        return {r["runId"]: r["status"] for r in alone} | {b["id"]: b["status"] for b in backfills}
