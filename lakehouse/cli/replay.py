"""`lakehouse replay`: build days again from raw, and publish what that changes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.building import build_days, unpublished
from lakehouse.cli.dates import DAY
from lakehouse.cli.output import print_json
from lakehouse.cli.session import DatasetOption, JsonOption, LakeOption, open_for_reading, pick_dataset
from lakehouse.errors import ConfigurationError

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake


def replay(
    ctx: typer.Context,
    day: Annotated[list[dt.datetime] | None, typer.Argument(help="Days to build (UTC).", **DAY)] = None,
    start: Annotated[dt.datetime | None, typer.Option("--from", help="First day of a range. Default: the lake's first.", **DAY)] = None,
    end: Annotated[dt.datetime | None, typer.Option("--to", help="Last day of the range, inclusive. Default: today.", **DAY)] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="The days on which something landed that their build has not seen.", show_default=False)
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Build every hour anew, though its inputs are the same.", show_default=False)] = False,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="NAME", help="Engine instead of the dataset's own, such as polars.", show_default=False)
    ] = None,
    marts: Annotated[bool, typer.Option("--marts/--no-marts", help="Publish the marts afterwards.")] = True,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Build days again from raw, without the source, and publish what that changes.

    The same inputs are never built twice: a replay of an unchanged day costs nothing and changes nothing. It materializes clean/<dataset> and the
    marts in Dagster's history. A day that fails its audit keeps its old version and does not stop its neighbours. A day whose raw has expired is kept
    as built; named alone or with --force it is refused (exit code 4).

    Example:  [bold]lakehouse replay 2026-11-18[/]     [bold]lakehouse replay --stale[/]     [bold]lakehouse replay --from 2026-11-01 --to
    2026-11-07[/]
    """
    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    days = _days(opened, chosen, day, start, end, stale)
    if force:
        from lakehouse.steps.build import refuse_sealed_days

        refuse_sealed_days(opened, chosen, days)
    left, alone = unpublished(opened, chosen) if stale else (), bool(day) and len(days) == 1
    result, failed = build_days(
        opened, chosen, days, engine=engine, force=force, keep_sealed=not alone, marts=marts, also_publish=left, quiet=as_json
    )
    if as_json:
        print_json(result)
    failed.end("What failed")


def _days(
    lake: Lake, dataset: Dataset, named: list[dt.datetime] | None, start: dt.datetime | None, end: dt.datetime | None, stale: bool
) -> list[dt.date]:
    if sum((bool(named), start is not None or end is not None, stale)) != 1:
        raise ConfigurationError("Say which days, in one way: lakehouse replay 2026-11-18, or --from DAY --to DAY, or --stale.")
    if stale:
        from lakehouse.steps.build import stale_days

        return [s.day for s in stale_days(lake, dataset)]
    if named:
        return sorted({d.date() for d in named})
    first = start.date() if start is not None else lake.start(dataset.name, dataset.contract.history)
    last = end.date() if end is not None else lake.now().date()
    if last < first:
        raise ConfigurationError(f"The range ends before it begins: --from {first} --to {last}. Expected --to to be the same day or a later one.")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
