"""The columns of every quarantine: what did not make it, with file, line number and rule, never with its text."""

from __future__ import annotations

from lakehouse.contracts.model import Column

# Rows that came too late lie beside the refused ones, so that they can be found; in the books they are held and not quarantined.
HELD_LEVEL, HELD_LATE = "held", "held_late"

QUARANTINE: tuple[Column, ...] = (
    Column("day", "date", "Partition: the day of the grain that holds the line.", nullable=False),
    Column("grain", "string", "Grain that holds the line.", nullable=False),
    Column("rule", "string", "Rule that was broken: unreadable_json, missing_required, changed_type, misrouted, held_late, ...", nullable=False),
    Column("field", "string", "Field of the record or column of the row that broke it."),
    Column(
        "level",
        "string",
        "line: the line is no record. row: a record, or a row of one. held: a sound row that came too late.",
        nullable=False,
        allowed=("line", "row", HELD_LEVEL),
    ),
    Column("part", "string", "Raw part, relative to the lake.", nullable=False),
    Column("line", "int64", "Line of the part, from 1.", nullable=False),
    Column("row", "int64", "Place of the row in its record, from 0; null for a whole line or record."),
    Column("fetch_id", "string", "Fetch that landed the line.", nullable=False),
    Column("landed_at", "timestamp", "When the part was landed.", nullable=False),
    Column("event_time", "timestamp", "Time of the event where it could be read."),
    Column("application", "string", "Application of the source that the part was fetched from."),
    Column("detail", "string", "What was expected; never text of the line."),
)
