"""`lakehouse fetch`: ask the source for what is new, and land it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.dates import TIME
from lakehouse.cli.exits import code_of
from lakehouse.cli.output import facts, hint, print_json
from lakehouse.cli.session import DatasetOption, JsonOption, LakeOption, lake_url, open_for_looking, open_for_writing, pick_fetched_dataset
from lakehouse.errors import ConfigurationError, LakehouseError
from lakehouse.settings import peek_lake

if TYPE_CHECKING:
    from lakehouse.cli.work import Failed
    from lakehouse.defs.run import Materialized


def fetch(
    ctx: typer.Context,
    start: Annotated[
        dt.datetime | None, typer.Option("--from", help="Fetch from here on (UTC), read before or not. Default: what is new.", **TIME)
    ] = None,
    end: Annotated[dt.datetime | None, typer.Option("--to", help="Up to here (UTC), exclusive. Default: now.", **TIME)] = None,
    application: Annotated[
        list[str] | None,
        typer.Option("--application", "-a", metavar="NAME", help="Only this one, such as token; may be repeated. Default: all.", show_default=False),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show what would be asked for, and how long it takes at least.", show_default=False)
    ] = False,
    build: Annotated[bool, typer.Option("--build", help="Then build the days that are stale and publish the marts.", show_default=False)] = False,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Ask the source for what is new and land it: unread hours, the overlap before them, sweeps that are due.

    It materializes raw/<dataset> in Dagster's history, as the sensor does. A window that fails lands nothing and does not stop the others, nor the
    build of what they landed (--build); run it again and only what is missing is asked for. Lines that were landed before are counted, not landed
    twice. While the source is away it says what it waits for; when nothing failed but what may pass, the exit code is 3. Datasets of files are landed
    by `lakehouse ingest`.

    The first fetch of a source reads back to the lake's start: look with --plan before.

    Example:  [bold]lakehouse fetch --plan[/]     [bold]lakehouse fetch --build[/]     [bold]lakehouse fetch --from 2026-11-01 --to 2026-11-08[/]
    """
    from lakehouse.cli.building import build_stale
    from lakehouse.cli.fetch_plan import show
    from lakehouse.cli.simulated import serving
    from lakehouse.cli.work import Failed, advancing, fetched, runs, show_fetched
    from lakehouse.datasets.registry import find_dataset
    from lakehouse.defs.run import materialize_planned, materialize_raw
    from lakehouse.landing.plan import source_by_time
    from lakehouse.operations.fetch_preview import preview

    if start is None and (end is not None or application):
        raise ConfigurationError("--to and --application choose from a range: say where it begins with --from. Without any, what is new is fetched.")
    if plan and (start is not None or build):
        raise ConfigurationError("--plan shows the next fetch as it would be planned: leave out --from, --to and --build.")
    if dataset is not None:
        source_by_time(find_dataset(dataset))  # before a lake is made for it
    between = _range(peek_lake(lake_url(ctx, lake))[0].now(), start, end) if start is not None else None  # likewise
    opened = open_for_looking(ctx, lake) if plan else open_for_writing(ctx, lake)
    chosen = pick_fetched_dataset(opened, dataset)
    if plan:
        with serving(opened, chosen):
            show(preview(opened, chosen), as_json=as_json)
        return
    with serving(opened, chosen), advancing("fetching", quiet=as_json) as advance:
        if between is None:
            done = materialize_planned(opened, chosen, advance=advance, waiting=advance.waiting)
        else:
            done = materialize_raw(opened, chosen, *between, "backfill", applications=application, advance=advance, waiting=advance.waiting)
    if not as_json and (done.reports or done.success):  # else nothing was asked for, and the error says why
        show_fetched(done.reports, facts())
    result: dict[str, Any] = {"runs": runs(done), "fetch": fetched(done.reports)}
    failed = Failed()
    if build and (done.success or result["fetch"]["manifests"]):  # a window that is refused does not hold back what the others landed
        after, failed = build_stale(opened, chosen, quiet=as_json)
        result |= after
    if as_json:
        print_json(result)
    _end(done, failed)
    if not build and not as_json and result["fetch"]["manifests"]:
        hint(f"build what landed: lakehouse replay --stale --dataset {chosen.name}   (or leave it to the sensor: lakehouse dev --sensors)")


def _end(done: Materialized, failed: Failed) -> None:
    """End with what the fetch failed with, and the build after it (`failed`)."""
    try:
        done.raise_for_failures()
    except LakehouseError as error:
        if not failed.words:
            raise
        failed = failed.after([str(error)], code_of(error))
    failed.end("What failed")


def _range(now: dt.datetime, start: dt.datetime, end: dt.datetime | None) -> tuple[dt.datetime, dt.datetime]:
    since, until = start.replace(tzinfo=dt.UTC), end.replace(tzinfo=dt.UTC) if end is not None else now
    if since >= now:
        raise ConfigurationError(f"--from {since:%Y-%m-%dT%H:%M:%SZ} lies in the future: the lake's clock says {now:%Y-%m-%dT%H:%M:%SZ}.")
    if since >= until:
        raise ConfigurationError(
            f"The range ends before it begins: --from {since:%Y-%m-%dT%H:%M:%SZ} --to {until:%Y-%m-%dT%H:%M:%SZ}. Expected --to, which is exclusive, "
            "to be later."
        )
    return since, until
