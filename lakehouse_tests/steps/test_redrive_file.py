"""Quarantined lines out to a file, mended, and back."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import polars as pl
import pytest
from build_lakes import DAY, check_lake, event

from lakehouse.contracts.model import RecordTime
from lakehouse.errors import TerminalError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.read import read_line
from lakehouse.operations.reconciliation import reconcile
from lakehouse.steps.redrive import quarantine_export, redrive
from lakehouse.tables.views import clean_version, quarantine_files


@pytest.fixture
def row(changing_lake):
    def make(name: str, rule: str = "unreadable_json") -> dict[str, object]:
        ref = changing_lake.lines[name]
        return {"part": ref.part, "line": ref.line, "rule": rule, "day": dt.date(2026, 11, 17)}

    return make


def test_an_export_holds_each_line_once_with_all_its_rules(changing_lake, row):
    rows = [row("unreadable"), row("changed_type", "changed_type"), row("unreadable", "another"), row("out_of_range", "out_of_range")]
    exported = [json.loads(x) for x in quarantine_export(changing_lake.lake, changing_lake.dataset, rows)]
    assert [(e["part"], e["line"]) for e in exported] == sorted((e["part"], e["line"]) for e in exported)
    by_line = {(e["part"], e["line"]): e for e in exported}
    assert len(by_line) == len(exported) == 3
    broken = changing_lake.lines["unreadable"]
    assert by_line[broken.part, broken.line] == {
        "part": broken.part, "line": broken.line, "rule": "another, unreadable_json", "raw": read_line(changing_lake.lake, broken).decode(),
    }  # fmt: skip


def test_mended_lines_come_back_and_their_days_are_named(changing_lake, row, tmp_path):
    lake, dataset = changing_lake.lake, changing_lake.dataset
    rows = [row("unreadable"), row("call", "changed_type"), row("changed_type")]
    lines = [json.loads(x) for x in quarantine_export(lake, dataset, rows)]
    for entry in lines:
        if "broken" in entry["raw"]:
            entry["raw"] = '{"id":{"time":"2026-11-16T09:35:00.000Z"}}'
    file = tmp_path / "mended.jsonl"
    file.write_text("\n".join(json.dumps(entry) for entry in lines) + "\n\n")
    before = load_ledger(lake, dataset.name)
    report = redrive(lake, dataset, file, run_id="r7")
    assert report.lines == 3
    assert [(m.application, m.number, m.run_id) for m in report.manifests] == [
        ("login", before.last_number + 1, "r7"), ("token", before.last_number + 2, "r7"),
    ]  # fmt: skip
    assert report.days == (dt.date(2026, 11, 16), dt.date(2026, 11, 17), lake.now().date())
    assert list(quarantine_export(lake, dataset, rows)) == []


def test_bytes_that_are_no_text_survive_the_way_out_and_back(changing_lake, tmp_path):
    from lakehouse.landing.write import land_fetch

    lake, dataset = changing_lake.lake, changing_lake.dataset
    odd = b'{"name":"\xff\xc3\xa4 \xed\xa0\x80"'
    landed = land_fetch(
        lake, dataset.contract, source="reports_api", application="login", purpose="new", window=None, covered=None, batches=[[odd]], http=dict,
        started_at=lake.now(),
    )  # fmt: skip
    rows = [{"part": landed.parts[0].path, "line": 1, "rule": "unreadable_json"}]
    file = tmp_path / "mended.jsonl"
    file.write_bytes(b"".join(quarantine_export(lake, dataset, rows)))
    report = redrive(lake, dataset, file)
    from lakehouse.landing.manifest import LineRef

    assert read_line(lake, LineRef(report.manifests[0].parts[0].path, 1)) == odd


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "line 1: .*Expected a JSON object"),
        ('\n{"part":"p","line":1}', "line 2: .*raw.*Nothing was landed"),
        ('{"part":"p","line":"1","raw":"x"}', "line 1: .*Expected"),
        ('{"part":"p","line":1,"raw":"x"}\n{"part":"p","line":1,"raw":"y"}', "line 2: line 1 of p comes twice"),
        ('{"part":"p","line":1,"raw":"x"}', "There is no part p"),
        ("", "nothing to redrive"),
    ],
)
def test_a_file_that_cannot_be_redriven_is_told_where_and_nothing_lands(changing_lake, tmp_path, content, message):
    file = tmp_path / "mended.jsonl"
    file.write_text(content)
    before = load_ledger(changing_lake.lake, "workspace_audit").last_number
    with pytest.raises(TerminalError, match=message):
        redrive(changing_lake.lake, changing_lake.dataset, file)
    assert load_ledger(changing_lake.lake, "workspace_audit").last_number == before


def test_a_file_that_is_not_there_is_named(changing_lake, tmp_path):
    with pytest.raises(TerminalError, match=r"none\.jsonl cannot be read"):
        redrive(changing_lake.lake, changing_lake.dataset, tmp_path / "none.jsonl")


def mend(made, folder, *, old="", new=""):
    """Export all that is in quarantine, change the text, bring it back and build; returns the exported lines."""
    version = clean_version(made.lake, made.dataset.contract)
    refused = pl.read_parquet(list(quarantine_files(made.lake, made.dataset.contract, list(version.builds.values()))))
    exported = list(quarantine_export(made.lake, made.dataset, refused.to_dicts()))
    entries = [json.loads(text) for text in exported]
    file = folder / "mended.jsonl"
    file.write_text("".join(json.dumps({**entry, "raw": entry["raw"].replace(old, new)}) + "\n" for entry in entries))
    for day in redrive(made.lake, made.dataset, file).days:
        made.build(day)
    return entries


def test_a_misrouted_line_comes_back_as_it_is_into_the_hour_of_its_own_time(made, tmp_path):
    """It landed when the contract named another field as the record's time."""
    today = made.dataset
    made.dataset = replace(today, contract=replace(today.contract, times=(RecordTime("ownerDomain"),)))
    made.land(event(1, 7, ownerDomain=f"{DAY}T05:00:00Z"))
    made.dataset = today
    before = made.build()
    assert (before.books.kept, before.books.quarantined, made.names()) == (0, 1, [])
    (line,) = mend(made, tmp_path)
    assert (line["rule"], "/hour=05/" in line["part"]) == ("misrouted", True)
    after = made.build()
    assert (after.books.superseded, after.books.kept, after.books.quarantined) == (1, 1, 0)
    check_lake(made, [(1, 7)])
    assert reconcile(made.lake, made.dataset).closes


def test_of_a_record_with_a_kept_and_a_refused_event_no_old_row_stays_once_it_is_mended(made, tmp_path):
    sizes = ("512", "-5")
    events = [{"name": "activity", "parameters": [{"name": "num_response_bytes", "intValue": size}]} for size in sizes]
    landed = made.land(event(1, 1, events=events), event(1, 2))
    before = made.build()
    assert (before.books.kept, before.books.quarantined) == (2, 1)
    (line,) = mend(made, tmp_path, old='"-5"', new='"5"')
    assert (line["part"], line["line"]) == (landed.parts[0].path, 1)
    after = made.build()
    assert (after.books.superseded, after.books.kept, after.books.quarantined) == (1, 3, 0)
    rows = made.rows().sort("num_response_bytes", nulls_last=True)
    assert rows["num_response_bytes"].to_list() == [5, 512, None]
    assert [part == landed.parts[0].path for part in rows["_part"]] == [False, False, True]
    assert reconcile(made.lake, made.dataset).closes
