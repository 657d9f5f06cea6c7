"""What the page of a dataset in `docs/` says of its contract: generated, so that nothing about a column is written twice. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lakehouse.contracts.model import Column, Contract
from lakehouse.contracts.quarantine import QUARANTINE
from lakehouse.contracts.types import type_name

BEGIN, END = "<!-- generated: {} -->", "<!-- end of generated: {} -->"


def contract_sections(contract: Contract) -> dict[str, str]:
    """The generated sections of a dataset's page that follow from its contract: name -> Markdown."""
    return {"contract": _facts(contract), "columns": columns_table(contract.table_columns), "quarantine": columns_table(QUARANTINE)}


def columns_table(columns: Sequence[Column]) -> str:
    """Columns as a Markdown table: type, whether null may be, where the value comes from, meaning and what is allowed."""
    rows = [(f"`{c.name}`", f"`{type_name(c.type)}`", "yes" if c.nullable else "no", f"`{c.path}`" if c.path else "", _meaning(c)) for c in columns]
    return table(("column", "type", "null", "from", "meaning"), rows)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table. A bar inside a cell would end it, so it is escaped."""
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(page: str, sections: Mapping[str, str]) -> str:
    """The page with its generated sections written anew; the rest stays.

    A place is a line `<!-- generated: NAME -->` and, later, `<!-- end of generated: NAME -->`. Raises `ValueError` for a section without one.
    """
    for name, content in sections.items():
        begin, end = BEGIN.format(name), END.format(name)
        place = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        if len(place.findall(page)) != 1:
            raise ValueError(f"expected the lines {begin!r} and {end!r} once, in this order, found {len(place.findall(page))} such places")
        block = f"{begin}\n{content}\n{end}"
        page = place.sub(lambda _, block=block: block, page)  # type: ignore[misc]
    return page


def _facts(contract: Contract) -> str:
    told_by = f"`{contract.ingest_time}` or, without one, " if contract.ingest_time else ""
    late = (
        "taken in, however late"
        if not contract.holds_late
        else f"held when they came more than {contract.lateness_told} after the event, by {told_by}what the fetch before had read"
    )
    return "\n".join(
        (
            f"* {contract.description}",
            f"* Contract version {contract.version}, transform version {contract.transform_version}. Owners: {', '.join(contract.owners)}.",
            f"* Grain of raw and of a grain result: {contract.grain}, by {contract.routed_by} of the record (UTC).",
            f"* Key, which makes two rows the same event: {', '.join(f'`{k}`' for k in contract.key)}.",
            f"* Late rows are {late}. The build of a day is expected to be at most {contract.freshness.total_seconds() / 3600:g} h old.",
            f"* Check `contract`: an error when more than {contract.drift.quarantined_error_share:.0%} of a day is in quarantine.",
        )
    )


def _meaning(column: Column) -> str:
    said = [column.description]
    if column.pii is not None:
        said.append("Personal: stored as a keyed token." if column.pii == "email" else "Personal: a keyed token where it is an address.")
    if column.minimum is not None or column.maximum is not None:
        bounds = [
            f"at least {column.minimum}" if column.minimum is not None else "",
            f"at most {column.maximum}" if column.maximum is not None else "",
        ]
        said.append(f"{' and '.join(b for b in bounds if b).capitalize()}.")
    if column.allowed is not None:
        said.append(f"{'Known values' if column.open_vocabulary else 'One of'}: {', '.join(column.allowed)}.")
    if column.pattern is not None:
        said.append(f"Matches `{column.pattern}`.")
    if column.unit is not None:
        said.append(f"In {column.unit}.")
    return " ".join(said)
