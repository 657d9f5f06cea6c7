"""What `lakehouse fetch --plan` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakehouse.cli.output import facts, print_json, table

if TYPE_CHECKING:
    from lakehouse.operations.fetch_preview import Preview


def show(found: Preview, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print_json(found)
        return
    columns = ["application", "purpose", "windows", "from", "up to"]
    cells: list[list[Any]] = [[r.application, r.purpose.replace("_", " "), r.windows, r.start, r.end] for r in found.rows]
    console = facts()
    console.print(table("What the next fetch asks for", columns, cells) if cells else "Nothing is due.")
    limit = (
        f"at most {found.queries_per_minute:,.0f} requests a minute: at least {found.least_minutes:,.1f} minutes"
        if found.queries_per_minute
        else ("no quota: the source is on this machine")
    )
    console.print(f"\n{found.windows:,} windows, at least one request each (1,000 records a page); {limit}.", soft_wrap=True)
    console.print("[dim]Oldest first. Each window lands by itself: a fetch that is broken off goes on where it stopped.[/]")
