"""`lakehouse new-dataset`: a working dataset from files that show what its records look like."""

from __future__ import annotations

import datetime as dt
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.output import facts, hint, notes, print_json, table, warn
from lakehouse.cli.session import JsonOption

if TYPE_CHECKING:
    from lakehouse.scaffold.infer import Inferred


def new_dataset(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and '_', such as door_openings.", show_default=False)],
    sample: Annotated[
        list[Path], typer.Option("--sample", "-s", metavar="FILE", help="A file with records of it; may be named several times.", show_default=False)
    ],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", help="More sample files.", show_default=False)] = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="FIELD[:FORMAT]",
            help="The time of an event: rfc3339, epoch_s, epoch_float, epoch_ms, epoch_us, epoch_ns or a pattern of strptime.",
            show_default=False,
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FOLDER", file_okay=False, help="Another checkout. Default: this one.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a new dataset that works, for a person to edit: contract, transform, generator, a mart, tests and a page, inferred from sample files.

    Samples are JSON Lines, a JSON document, CSV or an access log, plain, .gz or .zst. Fields, types, the time of the event, an id, e-mail addresses
    and what must be there are told by the values; nothing of a sample is copied but ranges and small vocabularies.

    Example:  [bold]lakehouse new-dataset door_openings --sample doors-2026-11.csv.gz[/]
    """
    from lakehouse.scaffold.golden import golden_files
    from lakehouse.scaffold.infer import infer
    from lakehouse.scaffold.render import render
    from lakehouse.scaffold.write import check_free, write_dataset
    from lakehouse.settings import project_root

    checkout = (into or project_root()).resolve()
    check_free(checkout, name)
    samples = [*sample, *(more or ())]
    inferred = infer(name, samples, time=time, today=dt.datetime.now(dt.UTC).date())
    with notes().status("writing, parsing the dbt project and recording what the tests compare with"):
        written, changed = write_dataset(checkout, name, render(inferred) | golden_files(inferred), inferred.feeds)
    if as_json:
        print_json(_told(inferred) | {"written": written, "changed": changed})
        return
    _show(inferred)
    facts().print("\n".join([*written, *(f"{path} (changed)" for path in changed)]))
    _say_next(inferred, samples, checkout)


def _told(inferred: Inferred) -> dict[str, Any]:
    return {
        "name": inferred.name,
        "lines": inferred.sample.lines,
        "broken": inferred.sample.broken,
        "feeds": inferred.feeds,
        "time": {"path": inferred.time.dotted, "format": inferred.time.format, "first": inferred.time.first, "last": inferred.time.last},
        "key": inferred.key,
        "columns": [{"name": c.name, "type": c.type, "path": c.path, "nullable": c.nullable, "pii": c.pii} for c in inferred.columns],
        "left_out": inferred.left_out,
    }


def _show(inferred: Inferred) -> None:
    from lakehouse.contracts.types import type_name

    time, sample = inferred.time, inferred.sample
    rows = [(c.name, type_name(c.type), "yes" if c.nullable else "no", c.path, c.pii) for c in inferred.columns]
    facts().print(
        table(f"{inferred.name}: {sample.lines:,} lines, {sample.broken:,} of them no record", ("column", "type", "null", "from", "pii"), rows)
    )
    facts().print(f"Time of the event: {time.dotted} ({time.format}), {time.first:%Y-%m-%d} to {time.last:%Y-%m-%d}. Key: {', '.join(inferred.key)}.")
    facts().print("Times that name no zone are read as UTC.")
    if sample.broken:
        warn(f"{sample.broken:,} lines are no record, and go to quarantine: text that is not UTF-8, no JSON, or of another width than the header")
    for path, why in inferred.left_out.items():
        warn(f"{path} is left to _extra: {why}")
    if time.last > dt.datetime.now(dt.UTC):
        warn("the sample has events of the future, which no lake takes before their time")


def _say_next(inferred: Inferred, samples: list[Path], checkout: Path) -> None:
    from rich.markup import escape

    from lakehouse.scaffold.write import record_again
    from lakehouse.settings import ENV_URL

    name = inferred.name
    hint(f"1. read and mend  lakehouse/datasets/{name}/contract.py, docs/{name}.md and the row in README.md")
    hint("2. after an edit: uv run python -m lakehouse.marts.generate   and, to write down anew what the tests compare with,")
    hint(f"                  {escape(record_again(name))}")
    hint(f"   and test it:   uv run pytest lakehouse_tests/datasets/{name}   and, before you commit, all tests: uv run pytest")
    if (place := lake_of_its_own(inferred, checkout)) is not None:
        hint(f"   first, a lake: export {ENV_URL}={place}   (the clock of the demo's stands still, before the newest record of the sample)")
    hint(f"3. fill a lake:   uv run lakehouse ingest {name} {escape(_files(samples))} --build")
    hint(f'4. look at it:    uv run lakehouse dev   and   uv run lakehouse sql "from clean.{name} limit 5"')


def lake_of_its_own(inferred: Inferred, checkout: Path) -> str | None:
    """A place for another lake where the clock of the checkout's default one stands before the newest record; None where it does not."""
    from lakehouse.errors import LakehouseError
    from lakehouse.settings import default_url, peek_lake
    from lakehouse.storage import StoreError
    from lakehouse.storage.store import local_path

    url = default_url(checkout)
    if local_path(url) is None:
        return None
    with suppress(LakehouseError, StoreError, OSError):  # whoever uses that lake is told what is wrong with it; the dataset is written
        lake, there = peek_lake(url)
        if there and lake.settings.clock is not None and lake.now() < inferred.time.last:
            return f"~/lakes/{inferred.name}"
    return None


def _files(samples: list[Path]) -> str:
    """The samples as arguments; of many, whose names are a matter of the shell, the first ones."""
    named = " ".join(shlex.quote(str(path)) for path in samples[:3])
    return named if len(samples) <= 3 else f"{named} ..."
