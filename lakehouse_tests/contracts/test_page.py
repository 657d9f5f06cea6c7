"""The pages of the datasets in docs/ say what the contracts and the marts say."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from lakehouse.contracts.model import Column
from lakehouse.contracts.page import columns_table, contract_sections, fill
from lakehouse.contracts.policies import LatenessBy
from lakehouse.contracts.quarantine import QUARANTINE
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.marts.page import dataset_page, page_path
from lakehouse.marts.specs import mart_specs

WITH_PAGES = [d.name for d in all_datasets() if page_path(d.name).is_file()]


def test_workspace_audit_has_a_page():
    assert "workspace_audit" in WITH_PAGES


@pytest.mark.parametrize("name", WITH_PAGES)
def test_the_committed_page_is_current(name):
    text = page_path(name).read_text(encoding="utf-8")
    assert text == dataset_page(find_dataset(name), mart_specs(name), text), "write it anew: python -m lakehouse.marts.generate"


@pytest.mark.parametrize("name", WITH_PAGES)
def test_the_page_names_every_column_and_every_mart_once_in_a_table(name):
    lines = page_path(name).read_text(encoding="utf-8").splitlines()
    columns = [c.name for c in find_dataset(name).contract.columns]
    marts = [s.name for s in mart_specs(name)]
    first_cells = [line.split("|")[1].strip() for line in lines if line.startswith("| `")]
    for thing in (*columns, *marts):
        assert first_cells.count(f"`{thing}`") == (2 if thing in {c.name for c in QUARANTINE} else 1), thing  # some are columns of quarantine too


def test_a_table_tells_type_null_origin_and_limits():
    column = Column("size", "int64", "How large.", "a[].b", nullable=False, minimum=0, maximum=9, unit="bytes", allowed=("1", "2"))
    assert columns_table([column]).splitlines() == [
        "| column | type | null | from | meaning |",
        "| --- | --- | --- | --- | --- |",
        "| `size` | `int64` | no | `a[].b` | How large. At least 0 and at most 9. One of: 1, 2. In bytes. |",
    ]


def test_a_bar_or_a_newline_in_a_description_does_not_break_the_table():
    (row,) = columns_table([Column("x", "string", "a | b\nc")]).splitlines()[2:]
    assert row.endswith("| a \\| b c |")


def test_personal_columns_say_that_they_are_tokens():
    sections = contract_sections(find_dataset("workspace_audit").contract)
    (row,) = [line for line in sections["columns"].splitlines() if line.startswith("| `actor_email` ")]
    assert "keyed token" in row


def test_a_page_says_what_becomes_of_late_rows():
    contract = find_dataset("workspace_audit").contract
    assert "taken in, however late" in contract_sections(contract)["contract"]
    held = replace(contract, allowed_lateness=dt.timedelta(hours=6), ingest_time="event_time")
    assert "held when they came more than 6:00:00 after the event, by `event_time` or" in contract_sections(held)["contract"]
    by = replace(held, allowed_lateness_by=LatenessBy("application", (("token", None),)))
    assert "more than 6:00:00 (token: any) after the event" in contract_sections(by)["contract"]


def test_only_the_marked_sections_change():
    page = "before\n<!-- generated: a -->\nold\n<!-- end of generated: a -->\nafter\n"
    assert fill(page, {"a": r"new \1"}) == "before\n<!-- generated: a -->\nnew \\1\n<!-- end of generated: a -->\nafter\n"
    assert fill(fill(page, {"a": "new"}), {"a": "new"}) == fill(page, {"a": "new"})


@pytest.mark.parametrize("page", ["", "<!-- generated: a -->\n", "<!-- end of generated: a -->\n<!-- generated: a -->\n"])
def test_a_page_without_a_place_for_a_section_is_refused(page):
    with pytest.raises(ValueError, match="generated: a"):
        fill(page, {"a": "new"})
