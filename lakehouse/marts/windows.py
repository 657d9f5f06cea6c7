"""SQL of the windows that a dataset declares: the models of the area `windows`, written by `lakehouse.marts.generate`. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from lakehouse.contracts.sql import sql_text
from lakehouse.contracts.windows import EventWindows, Measure
from lakehouse.datasets.model import Dataset
from lakehouse.settings import project_root

AREA = "windows"
_HEADER = "-- Written from the declaration {} of the dataset by `python -m lakehouse.marts.generate`: do not edit.\n"


def window_models(dataset: Dataset) -> Iterator[tuple[Path, str]]:
    """(path, text) of every model that the windows of a dataset are."""
    folder = project_root() / "dbt_project" / "models" / dataset.name / AREA
    for windows in dataset.windows:
        windows.check(dataset.contract)
        if windows.slides:
            yield folder / f"{windows.panes}.sql", _HEADER.format(windows.name) + _tumbling(windows.pieces, dataset)
            yield folder / f"{windows.name}.sql", _HEADER.format(windows.name) + _sliding(windows)
        else:
            yield folder / f"{windows.name}.sql", _HEADER.format(windows.name) + _tumbling(windows, dataset)


def _tumbling(windows: EventWindows, dataset: Dataset) -> str:
    """From the clean rows of a day: a record of a day has its event in it, as no windows are declared over rows that span days."""
    time, size = f"cast({dataset.contract.event_time} as timestamp)", _interval(windows.size)
    where = f"{windows.only[0]} in ({', '.join(map(sql_text, windows.only[1]))}) and " if windows.only else ""
    return "\n".join(
        (
            "select",
            "    event_date as mart_date,",
            f"    time_bucket({size}, {time}, timestamp '1970-01-01') as window_start,",
            *(f"    {key}," for key in windows.keys),
            ",\n".join(f"    {_first(m)} as {m.name}" for m in windows.measures),
            f"from {{{{ source('{dataset.name}', 'clean') }}}}",
            f"where {where}{{{{ in_mart_dates('event_date') }}}}",
            f"group by mart_date, window_start{''.join(f', {key}' for key in windows.keys)}",
            "",
        )
    )


def _sliding(windows: EventWindows) -> str:
    """From the panes: each is in as many windows as fit over it. A window that began yesterday belongs to the date of its last instant."""
    size, step, count = _interval(windows.size), _interval(windows.step), windows.size // windows.step
    keys = "".join(f", {key}" for key in windows.keys)
    return "\n".join(
        (
            "with panes as (",
            f"    select window_start - {step} * unnest(range({count})) as started_at{keys}, {', '.join(m.name for m in windows.measures)}",
            f"    from {{{{ ref('{windows.panes}') }}}}",
            "    where {{ in_mart_dates(before=1) }}",
            "),",
            "dated as (",
            f"    select *, cast(started_at + {size} - interval 1 microsecond as date) as mart_date from panes",
            ")",
            "select",
            "    mart_date,",
            "    started_at as window_start,",
            *(f"    {key}," for key in windows.keys),
            ",\n".join(f"    {_again(m)} as {m.name}" for m in windows.measures),
            "from dated",
            "where {{ in_mart_dates() }}",
            f"group by mart_date, window_start{keys}",
            "",
        )
    )


def _first(measure: Measure) -> str:
    found = "count(*)" if measure.kind == "count" else f"{measure.kind}({measure.column})"
    found += f" filter ({measure.where[0]} = {sql_text(measure.where[1])})" if measure.where else ""
    return f"cast({found} as bigint)" if measure.kind == "sum" else found


def _again(measure: Measure) -> str:
    return f"cast(sum({measure.name}) as bigint)" if measure.kind in ("count", "sum") else f"{measure.kind}({measure.name})"


def _interval(length: dt.timedelta) -> str:
    """A day at most, in seconds: days would be calendar days."""
    return f"interval {int(length.total_seconds())} second"
