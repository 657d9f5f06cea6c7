"""`lakehouse simulate files`: a sample of a dataset that is read from files, and the truth about it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from lakehouse.cli.dates import DAY
from lakehouse.cli.output import facts, hint, print_json
from lakehouse.cli.session import JsonOption
from lakehouse.errors import ConfigurationError


def files(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset that is read from files.", show_default=False)],
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", file_okay=False, help="Where to write; new, empty, or an older sample.", show_default=False)
    ],
    start: Annotated[dt.datetime | None, typer.Option("--start", help="First day (UTC). Default: so that the last day is yesterday.", **DAY)] = None,
    days: Annotated[int, typer.Option("--days", min=1, help="Days of events.")] = 7,
    events: Annotated[int, typer.Option("--events", "-n", min=1, help="About so many distinct events.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", help="The same arguments give the same bytes.")] = 1,
    more: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another argument of the generator, such as defects.late=0.01.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a sample: first/ is what is there at first, late/ what comes later, truth.json how many of everything there are, to the record.

    Every kind of defect that is known to happen is in it. Compare with `lakehouse books --truth` when both have been ingested and built.

    Example:  [bold]lakehouse simulate files listening --to sample/ --days 30 --events 1000000[/]
    """
    from lakehouse.cli.work import advancing
    from lakehouse.datasets.registry import find_dataset
    from lakehouse.operations.truth import generator_of
    from lakehouse.sources.files.inbox import file_source

    chosen = find_dataset(dataset)
    file_source(chosen)
    generator = generator_of(chosen)
    first = start.date() if start is not None else dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)
    told = {"seed": seed, "start": first.isoformat(), "days": days, "events": events}
    arguments = _arguments(generator.Arguments, told, more or ())
    with advancing("generating", quiet=as_json) as advance:
        truth = generator.generate(to, arguments, progress=lambda done, total: advance(dataset, done, total))
    if as_json:
        print_json({"folder": to, "truth": truth.total, "defects": truth.defects})
        return
    facts().print(f"{truth.total.books.lines:,} lines, {truth.total.books.kept:,} rows to keep, in {to}")
    hint(f"ingest them: lakehouse ingest {dataset} {to / 'first'} --build   and then: {to / 'late'}")


def _arguments(kind: type[Any], told: dict[str, Any], more: list[str] | tuple[str, ...]) -> Any:
    """The arguments of a generator; `defects.late=0.01` sets a field of a field."""
    import msgspec

    for one in more:
        path, equals, value = one.partition("=")
        *outer, name = path.split(".")
        inside = told
        for step in outer:
            inside = inside.setdefault(step, {})
        if not equals or not isinstance(inside, dict):
            raise ConfigurationError(f"{one!r} sets nothing. Expected NAME=VALUE, such as seed=7 or defects.late=0.01.")
        inside[name] = value
    _known(kind, told, "")
    try:
        return msgspec.convert(told, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"The generator does not take these arguments: {error}.") from error


def _known(kind: Any, told: dict[str, Any], where: str) -> None:
    """Raise `ConfigurationError` for a name that the generator does not have: what it does not know it would leave out in silence."""
    import msgspec

    fields = {field.name: field.type for field in msgspec.inspect.type_info(kind).fields}  # type: ignore[attr-defined]
    for name, value in told.items():
        if name not in fields:
            raise ConfigurationError(f"The generator has no argument {where}{name}. Expected one of: {', '.join(where + n for n in sorted(fields))}.")
        if isinstance(value, dict):
            inner = getattr(fields[name], "cls", None)
            if inner is None:
                raise ConfigurationError(f"The argument {where}{name} has no fields of its own.")
            _known(inner, value, f"{where}{name}.")
