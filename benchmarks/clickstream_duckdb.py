"""The bare job of the clickstream in one hand-written DuckDB query: files to deduplicated, filtered Parquet by day. Started by `clickstream.py`.

It parses times, cuts paths out of addresses, looks user agents up in a table of the distinct ones (parsed by the same library), leaves bots and
heartbeats out, keeps one row per id, and drops lines that are no JSON or lack a key. (A number it takes for a text, so it keeps a few rows more.)
No books, no quarantine, no provenance, no unknown fields, no order of rows: what a careful script does in an afternoon.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import measure
import polars as pl

from lakehouse.datasets.user_agents import classify

COLUMNS = "event_id, user_id, timestamp, event_type, page_url, user_agent, session_id, referrer"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("days", nargs="+")
    told = parser.parse_args()
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET memory_limit = '2GB'")
    told.out.mkdir(parents=True)
    meter = measure.Meter()
    kept = sum(_day(con, told.files, told.out, day) for day in told.days)
    measure.report(meter.cost(kept=kept))


def _day(con: duckdb.DuckDBPyConnection, files: Path, out: Path, day: str) -> int:
    fields = ", ".join(f"{name}: 'VARCHAR'" for name in COLUMNS.split(", "))
    named = f"'{files}/**/events_{day}*.jsonl'"
    con.execute(f"CREATE OR REPLACE TEMP TABLE read AS FROM read_json({named}, format='newline_delimited', columns={{{fields}}}, ignore_errors=true)")
    found = con.execute("SELECT DISTINCT user_agent FROM read WHERE user_agent IS NOT NULL").fetchall()
    texts = pl.Series("user_agent", [text for (text,) in found], dtype=pl.String)
    con.register("agents", classify(texts).with_columns(texts).to_arrow())
    query = """
        SELECT try_cast(timestamp AS TIMESTAMPTZ) AS event_time, event_id, lower(trim(event_type)) AS event_type, user_id, session_id,
            regexp_extract(page_url, '^(?:[a-z]+://[^/?#]*)?([^?#]*)', 1) AS page,
            regexp_extract(referrer, '^[a-z]+://([^/?#:]+)', 1) AS referrer_host,
            user_agent, browser, os, device_type, is_parsed
        FROM read LEFT JOIN agents USING (user_agent)
        WHERE event_time IS NOT NULL AND event_id IS NOT NULL AND user_id IS NOT NULL AND session_id IS NOT NULL
            AND NOT coalesce(is_bot, false) AND lower(trim(event_type)) NOT IN ('heartbeat', 'ping')
        QUALIFY row_number() OVER (PARTITION BY event_id) = 1
    """
    path = out / f"{day}.parquet"
    con.execute(f"COPY ({query}) TO '{path}' (COMPRESSION zstd)")
    con.unregister("agents")
    return pl.scan_parquet(path).select(pl.len()).collect().item()


if __name__ == "__main__":
    main()
