"""`lakehouse doctor`: is everything in place, and what to do where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import facts, print_json, table
from lakehouse.cli.session import DatasetOption, JsonOption, LakeOption, open_for_reading, pick_dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakehouse.operations.health import Finding

_MARKS = {"good": "[green]✓[/]", "note": "[yellow]![/]", "bad": "[bold red]✗[/]"}
