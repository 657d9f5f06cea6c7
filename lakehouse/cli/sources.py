"""`lakehouse sources`: what this software can read and what this lake reads."""

from __future__ import annotations

import typer

from lakehouse.cli.output import facts, print_json, table
from lakehouse.cli.session import JsonOption, LakeOption, open_for_reading


def sources(ctx: typer.Context, as_json: JsonOption = False, lake: LakeOption = None) -> None:
    """Every dataset: its source, applications, first day and engine in this lake.

    What a lake reads is set in its lake.json, under datasets.<name>.source; secrets come from the environment.

    Example:  [bold]lakehouse sources --json[/]
    """
    from lakehouse.datasets.registry import all_datasets
    from lakehouse.steps.applications import applications_of

    opened = open_for_reading(ctx, lake)
    rows = []
    for dataset in all_datasets():
        settings = opened.dataset(dataset.name)
        declared = dataset.source
        rows.append(
            {
                "dataset": dataset.name,
                "source": declared.name if declared is not None else None,
                "applications": list(applications_of(opened, dataset)),
                "from": opened.start(dataset.name),
                "engine": settings.engine or dataset.engine,
                "simulated": settings.source.get("simulated"),
                "url": settings.source.get("url"),
            }
        )
    if as_json:
        print_json(rows)
        return
    cells = [(r["dataset"], r["source"], ", ".join(r["applications"]), r["from"], r["engine"], _origin(r["simulated"], r["url"])) for r in rows]  # type: ignore[call-overload]
    facts().print(table(None, ["dataset", "source", "applications", "from", "engine", "reads"], cells))


def _origin(simulated: object, url: object) -> str:
    return f"simulated activities in {simulated}" if simulated else str(url) if url else "the real API"
