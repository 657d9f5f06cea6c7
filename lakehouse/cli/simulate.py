"""`lakehouse simulate`: samples of every dataset with the truth about them, and a Reports API on this machine."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lakehouse.cli.dates import TIME
from lakehouse.cli.output import facts, hint, notes, print_json
from lakehouse.cli.session import FlowingGroup, JsonOption
from lakehouse.cli.simulate_files import files
from lakehouse.errors import ConfigurationError

_HELP = """Samples of every dataset with the truth about them, and a Reports API on this machine.

Example:  [bold]lakehouse simulate files listening --to sample/[/], then [bold]lakehouse ingest listening sample/first[/]
[bold]lakehouse simulate activities sample/ --start 2026-11-13 --end 2026-11-20[/], then
[bold]lakehouse simulate reports-api sample/[/]
"""
app = typer.Typer(cls=FlowingGroup, no_args_is_help=True, help=_HELP)
app.command("files")(files)


def utc(value: dt.datetime | None) -> dt.datetime | None:
    """A time of the command line, which is UTC."""
    return value.replace(tzinfo=dt.UTC) if value is not None else None


@app.command("reports-api")
def reports_api(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Activities: generated ones, or recorded <application>.json files.",
            show_default=False,
        ),
    ],
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    clock: Annotated[
        dt.datetime | None, typer.Option("--clock", help="A fixed now (UTC): later events are not visible. Default: the system's clock.", **TIME)
    ] = None,
    latency: Annotated[float, typer.Option("--latency", min=0, help="Seconds before each answer.")] = 0.0,
    faults: Annotated[
        Path | None,
        typer.Option("--faults", exists=True, dir_okay=False, help="JSON list of faults to show, worked off in order.", show_default=False),
    ] = None,
) -> None:
    """Serve activities by the HTTP contract of Google's Reports API until Ctrl-C.

    Pages newest first, page tokens, late events that become visible when the clock passes them, errors on demand
    (POST /_simulator/clock and /_simulator/faults while it runs). Point a lake at it with LAKEHOUSE_REPORTS_API_URL.

    Example:  [bold]lakehouse simulate reports-api activities/ --port 8765 --clock 2026-11-20T12:00:00Z[/]
    """
    from lakehouse.cli.processes import interruptible
    from lakehouse.sources.reports_api.server import SimulatedReportsApi

    api = SimulatedReportsApi(folder, clock=utc(clock), port=port, latency=latency, faults=_faults(faults))
    facts().print(f"LAKEHOUSE_REPORTS_API_URL={api.url}", markup=False)
    hint(f"serving {escape(str(folder))}, now {api.now():%Y-%m-%d %H:%M:%S} UTC; Ctrl-C ends it")
    try:
        with interruptible():
            api.serve_forever()
    except KeyboardInterrupt:
        notes().print("stopped")
    finally:
        api.stop()


def _faults(file: Path | None) -> list[dict[str, Any]]:
    if file is None:
        return []
    import orjson

    try:
        found = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f'{file} is no JSON: {error}. Expected a list of faults such as [{{"status": 503, "times": 2}}].') from error
    if not isinstance(found, list):
        raise ConfigurationError(f'{file} should hold a list of faults such as [{{"status": 503, "times": 2}}], it holds {type(found).__name__}.')
    return found


@app.command("activities")
def activities(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", file_okay=False, help="Where to write; must be empty, new, or hold an older sample.", show_default=False),
    ],
    start: Annotated[dt.datetime, typer.Option("--start", help="First hour (UTC).", **TIME)],
    end: Annotated[dt.datetime, typer.Option("--end", help="First hour after (UTC).", **TIME)],
    events: Annotated[int, typer.Option("--events", "-n", min=1, help="Distinct activities.")] = 80_000,
    seed: Annotated[int, typer.Option("--seed", help="The same arguments give the same bytes.")] = 1,
    users: Annotated[int | None, typer.Option("--users", help="People; default by the number of activities.", show_default=False)] = None,
    clean: Annotated[
        bool, typer.Option("--no-defects", help="Without duplicates, malformed lines, late events and other defects.", show_default=False)
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Generate Google Workspace activities with every defect known to happen, and the truth about them.

    truth.json says to the record how many of each there are: compare with `lakehouse books --truth`.

    Example:  [bold]lakehouse simulate activities activities/ --start 2026-11-13 --end 2026-11-20 --events 100000[/]
    """
    from lakehouse.cli.output import progress
    from lakehouse.datasets.model import ReportsApiSource
    from lakehouse.datasets.registry import all_datasets
    from lakehouse.operations.truth import generator_of

    generator = generator_of(next(dataset for dataset in all_datasets() if isinstance(dataset.source, ReportsApiSource)))
    defects = generator.Defects.none() if clean else generator.Defects()
    first, last = utc(start), utc(end)
    assert first is not None  # noqa: S101  both are required
    assert last is not None  # noqa: S101
    with progress(quiet=as_json) as shown:
        task = shown.add_task("generating activities", total=events)
        truth = generator.generate(
            folder, seed=seed, start=first, end=last, events=events, users=users, defects=defects,
            progress=lambda done, total: shown.update(task, completed=done, total=total),
        )  # fmt: skip
    if as_json:
        print_json({"folder": folder, "truth": truth.total})
        return
    facts().print(
        f"{truth.total.fetch.read:,} items, {truth.total.activities:,} distinct activities, {truth.total.books.kept:,} rows to keep, in "
        f"{escape(str(folder))}"
    )
    hint(f"serve them: lakehouse simulate reports-api {escape(str(folder))} --clock {last:%Y-%m-%dT%H:%M:%SZ}")
