"""`lakehouse fetch`: ask the source for what is new, and land it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from lakehouse.cli.output import facts, hint, print_json
from lakehouse.cli.session import DatasetOption, JsonOption, LakeOption, open_for_writing, pick_dataset
from lakehouse.errors import ConfigurationError

TIMES = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d"]


def fetch(
    ctx: typer.Context,
    start: Annotated[
        dt.datetime | None, typer.Option("--from", formats=TIMES, help="Fetch from here on (UTC), read before or not.", show_default=False)
    ] = None,
    end: Annotated[
        dt.datetime | None, typer.Option("--to", formats=TIMES, help="Up to here (UTC, exclusive); default: now.", show_default=False)
    ] = None,
    application: Annotated[list[str] | None, typer.Option("--application", "-a", help="Only this one; may be repeated.", show_default=False)] = None,
    build: Annotated[bool, typer.Option("--build", help="Then build the days that are stale and publish the marts.", show_default=False)] = False,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Ask the source for what is new and land it: unread hours, the overlap before them, sweeps that are due.

    It materializes raw/<dataset> in Dagster's history, as the sensor does. A window that fails lands nothing and does not stop the others; run it
    again and only what is missing is asked for. Lines that were landed before are counted, not landed twice. While the source is away it says what
    it waits for; when nothing failed but what may pass, the exit code is 3.

    Example:  [bold]lakehouse fetch --build[/]     [bold]lakehouse fetch --from 2026-11-01 --to 2026-11-08[/]
    """
    from lakehouse.cli.simulated import serving
    from lakehouse.cli.work import Failed, advancing, fetched, runs, show_fetched
    from lakehouse.defs.run import materialize_planned, materialize_raw

    if start is None and (end is not None or application):
        raise ConfigurationError("--to and --application choose from a range: say where it begins with --from. Without any, what is new is fetched.")
    opened, chosen = open_for_writing(ctx, lake), pick_dataset(dataset)
    with serving(opened, chosen), advancing("fetching", quiet=as_json) as advance:
        if start is None:
            done = materialize_planned(opened, chosen, advance=advance, waiting=advance.waiting)
        else:
            until = end.replace(tzinfo=dt.UTC) if end is not None else opened.now()
            since = start.replace(tzinfo=dt.UTC)
            done = materialize_raw(opened, chosen, since, until, "backfill", applications=application, advance=advance, waiting=advance.waiting)
    if not as_json:
        show_fetched(done.reports, facts())
    result: dict[str, Any] = {"runs": runs(done), "fetch": fetched(done.reports)}
    failed = Failed()
    if build and done.success:
        from lakehouse.cli.replay import build_stale

        after, failed = build_stale(opened, chosen, quiet=as_json)
        result |= after
    if as_json:
        print_json(result)
    done.raise_for_failures()
    failed.end("What failed")
    if not build and not as_json:
        hint("build what landed: lakehouse replay --stale   (or leave it to the sensor: lakehouse dev --sensors)")
