"""What people are shown of a published lake of files: the lines behind a number, the page of the dataset, the charts of its assets."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dataset_lakes import DatasetLake
from typer.testing import CliRunner

from lakehouse.cli.main import app
from lakehouse.contracts.grain import Grain
from lakehouse.defs.metadata import clean_metadata, mart_metadata, quarantine_metadata, raw_metadata
from lakehouse.landing.ledger import load_ledger
from lakehouse.marts.specs import find_mart
from lakehouse.operations.report import report_of, trends_of
from lakehouse.pictures.page import render, sections
from lakehouse.pictures.small import LIMIT
from lakehouse.steps.build import build_day
from lakehouse.tables.views import clean_version

SECTIONS = ["days", "lateness", "quarantine", "duplicates", "top", "trends"]


def assert_row_leads_to_lines_of_files(held: DatasetLake, mart: str, *where: str) -> None:
    """`lakehouse explain row` names file and line of what is behind a row, and in that line of that file it stands."""

    def told(*more: str) -> str:
        result = CliRunner().invoke(app, ["explain", "row", mart, *where, "--lake", str(held.folder), *more], env={"COLUMNS": "400"})
        assert result.exit_code == 0, result.output
        return result.stdout

    (found,) = json.loads(told("--json", "--raw"))
    words = told()
    assert found["row"]["origins"]
    for origin, raw in zip(found["row"]["origins"], found["raw"], strict=True):
        assert f"from {origin['file']} line {origin['line']}\n" in words
        line = _text(Path(origin["file"])).splitlines()[origin["line"] - 1]
        assert raw == line or all(value in line for value in json.loads(raw).values()), (raw, line)


def _text(path: Path) -> str:
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode("utf-8-sig")


def assert_page_has_every_section(held: DatasetLake) -> None:
    """The page of `lakehouse report` has a picture and a table of everything that there is."""
    report = report_of(held.lake, held.dataset)
    html = render(report)
    assert re.findall(r'<section id="(\w+)"', html) == SECTIONS
    filled = {section.id for section in sections(report) if section.blocks and all(block.chart and block.rows for block in section.blocks)}
    assert filled == {*SECTIONS} - ({"quarantine"} if not held.rules() else set())
    assert html.count("<img ") == html.count("<table") == sum(len(section.blocks) for section in sections(report))
    assert [trend.title for trend in report.trends if trend.lines] == [trend.title for trend in held.dataset.trends]


def assert_assets_have_their_charts(held: DatasetLake) -> None:
    """Every built day of clean and quarantine, every partition of raw, and every mart with a trend have the charts that belong to them."""
    ledger, version = load_ledger(held.lake, held.dataset.name), clean_version(held.lake, held.dataset.contract)
    for key in ledger.parts:
        assert set(_charts(raw_metadata(ledger, Grain.parse(key)))) == {"lines_per_day"}
    for day in version.builds:
        report = build_day(held.lake, held.dataset, day)
        assert not report.committed
        told = {"rows_per_day"} | ({"lateness"} if report.books.kept else set()) | ({"duplicates_by_feed"} if report.books.duplicate else set())
        charts, tops = set(_charts(clean_metadata(held.lake, held.dataset, report))), {f"top_{column}" for column in held.dataset.top_values}
        assert charts - tops == told
        assert bool(charts & tops) == bool(report.books.kept)
        aside = report.books.quarantined + report.books.unreadable + report.books.held
        assert set(_charts(quarantine_metadata(held.lake, report))) == ({"reasons"} if aside else set())
    trends, published = trends_of(held.lake, held.dataset), held.publish()
    assert published.skipped
    for mart in {trend.mart for trend in trends}:
        shown = _charts(mart_metadata(find_mart(mart), published, trends))
        assert len(shown) == len([trend for trend in trends if trend.mart == mart])


def _charts(shown: Mapping[str, Any]) -> dict[str, str]:
    found = {name: value.value for name, value in shown.items() if isinstance(value, dg.MarkdownMetadataValue)}
    assert all(value is not None and len(value) < LIMIT and "](data:image/svg+xml," in value for value in found.values())
    return {name: value or "" for name, value in found.items()}
