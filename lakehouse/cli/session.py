"""What all commands share: the global options, opening the lake, picking the dataset, and how errors end."""

from __future__ import annotations

import contextlib
import errno
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from lakehouse.cli.exits import ExitCode, code_of
from lakehouse.cli.output import error_panel, hint, notes
from lakehouse.errors import ConfigurationError, LakehouseError
from lakehouse.settings import Lake, default_url, open_existing_lake, open_lake, peek_lake
from lakehouse.storage import StoreError, said

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset

LakeOption = Annotated[
    str | None,
    typer.Option("--lake", "-l", metavar="URL", help="The lake: a folder or a URL. Default: LAKEHOUSE_URL, else data/.", show_default=False),
]
DatasetsOption = Annotated[
    str | None, typer.Option("--dataset", "-d", metavar="NAME", help="Only this dataset. Default: all that the lake holds.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.", show_default=False)]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", "-d", metavar="NAME", help="Dataset; may be left out where the lake holds one only.", show_default=False)
]
PartDatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset", "-d", metavar="NAME", help="Dataset. Default: that of the part; without one the only one of the lake.", show_default=False
    ),
]
MartDatasetOption = Annotated[
    str | None, typer.Option("--dataset", "-d", metavar="NAME", help="Dataset. Default: that of the mart.", show_default=False)
]
CheckedDatasetsOption = Annotated[
    str | None,
    typer.Option(
        "--dataset", "-d", metavar="NAME", help="Only this dataset. Default: all; with --source the only one of the lake.", show_default=False
    ),
]


@dataclass
class Session:
    """The options that stand before the command."""

    lake: str | None = None
    debug: bool = False


def session(ctx: typer.Context) -> Session:
    """The session of a command."""
    found = ctx.find_root().obj
    return found if isinstance(found, Session) else Session()


def lake_url(ctx: typer.Context, lake: str | None) -> str:
    """Where the lake is: the command's `--lake`, the one before the command, `LAKEHOUSE_URL`, `data/`."""
    return lake or session(ctx).lake or default_url()


def open_for_reading(ctx: typer.Context, lake: str | None) -> Lake:
    """The lake of this command; `ConfigurationError` where there is none, so that a misspelt path makes no empty lake."""
    return open_existing_lake(lake_url(ctx, lake))


def open_for_looking(ctx: typer.Context, lake: str | None) -> Lake:
    """The lake of this command; where there is none an empty one with the defaults, told so, and nothing is made: the path may be misspelt."""
    place = lake_url(ctx, lake)
    opened, there = peek_lake(place)
    if not there:
        hint(f"there is no lake at {escape(place)} yet: this is what a new one with the defaults would do, and nothing is made")
    return opened


def open_for_writing(ctx: typer.Context, lake: str | None) -> Lake:
    """The lake of this command, made on first use and told so: the path may be misspelt."""
    place = lake_url(ctx, lake)
    there = peek_lake(place)[1]
    opened = open_lake(place)
    if not there:
        hint(f"there was no lake at {escape(place)}: a new one is made")
    return opened


def pick_dataset(lake: Lake, name: str | None, *, of: str | None = None) -> Dataset:
    """The dataset of that name; where none is named the one whose raw part this is (`of`), else the only one that the lake holds.

    `ConfigurationError` when several come into question.
    """
    from lakehouse.datasets.registry import all_datasets, find_dataset
    from lakehouse.operations.held import held_datasets

    if name is not None:
        return find_dataset(name)
    if of is not None:
        owner = next((d for d in all_datasets() if of.startswith(f"raw/{d.name}/")), None)
        if owner is not None:
            return owner
    return _only(held_datasets(lake) or all_datasets())


def pick_datasets(lake: Lake, name: str | None) -> Sequence[Dataset]:
    """The dataset of that name; where none is named all that the lake holds, and all that there are of a lake that holds none yet."""
    from lakehouse.datasets.registry import all_datasets, find_dataset
    from lakehouse.operations.held import held_datasets

    return [find_dataset(name)] if name is not None else held_datasets(lake) or all_datasets()


def pick_fetched_dataset(lake: Lake, name: str | None) -> Dataset:
    """As `pick_dataset`, of the datasets that can be asked for windows of time."""
    from lakehouse.datasets.model import ReportsApiSource
    from lakehouse.datasets.registry import all_datasets, find_dataset
    from lakehouse.operations.held import held_datasets

    if name is not None:
        return find_dataset(name)
    by_time = [d for d in all_datasets() if isinstance(d.source, ReportsApiSource)]
    held = {d.name for d in held_datasets(lake)}
    return _only([d for d in by_time if d.name in held] or by_time)


def _only(datasets: Sequence[Dataset]) -> Dataset:
    if len(datasets) != 1:
        raise ConfigurationError(f"Say which dataset: --dataset {'|'.join(d.name for d in datasets)}.")
    return datasets[0]


_QUERY_INTERRUPTED = "Query interrupted"


@contextlib.contextmanager
def _interrupts() -> Iterator[None]:
    """Ctrl-C in the block is `KeyboardInterrupt`, also while DuckDB works: there it is a `RuntimeError` with words of its own."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != _QUERY_INTERRUPTED:
            raise
        raise KeyboardInterrupt from error


class FlowingGroup(TyperGroup):
    """A group whose commands' help flows: the lines of a paragraph are those of the source, the terminal has its own."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None when there is none."""
        found = super().get_command(ctx, cmd_name)
        if found is not None and found.help:
            found.help = "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in inspect.cleandoc(found.help).split("\n\n"))
        return found


class LakehouseGroup(FlowingGroup):
    """Turns the project's own errors into one panel and an exit code with a meaning; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the class."""
        try:
            with _interrupts():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            notes().print("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except LakehouseError as error:
            if session(ctx).debug:
                notes().print_exception()
            error_panel(str(error), title=_title(error))
            raise typer.Exit(code_of(error)) from error
        except StoreError as error:
            if session(ctx).debug:
                notes().print_exception()
            error_panel(
                f"The store of the lake refused: {said(error)}. Check the path, that the folders of the lake are folders, and the rights.",
                title="System error",
            )
            raise typer.Exit(ExitCode.FAILED) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # who reads what we print has enough, such as head: Typer ends quietly
                raise
            if session(ctx).debug:
                notes().print_exception()
            where = f" ({error.filename})" if error.filename else ""
            error_panel(
                f"The system refused{where}: {error.strerror or str(error).splitlines()[0]}. Check the path, the rights and the free space.",
                title="System error",
            )
            raise typer.Exit(ExitCode.FAILED) from error


def _title(error: LakehouseError) -> str:
    return {
        ExitCode.DATA: "The data did not pass",
        ExitCode.USAGE: "Configuration",
        ExitCode.TRANSIENT: "It may work if tried again",
    }.get(code_of(error), "It cannot go on")
