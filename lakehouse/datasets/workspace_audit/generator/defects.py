"""Which activities carry a defect, and what becomes of a block when they do."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from lakehouse.datasets.workspace_audit.generator.kinds import Kind, all_kinds
from lakehouse.datasets.workspace_audit.generator.options import Arguments
from lakehouse.datasets.workspace_audit.generator.records import Activities
from lakehouse.datasets.workspace_audit.generator.rhythm import Block
from lakehouse.datasets.workspace_audit.generator.served import Served

# Application -> (number of an activity, kind), ascending.
Plan = Mapping[str, tuple[tuple[int, Kind], ...]]


@cache
def kinds_by_defect() -> dict[str, tuple[Kind, ...]]:
    """The kinds of each defect, in their order."""
    found: dict[str, tuple[Kind, ...]] = {}
    for kind in all_kinds():
        found[kind.defect] = (*found.get(kind.defect, ()), kind)
    return found


def plan_defects(arguments: Arguments, blocks: Sequence[Block]) -> Plan:
    """Spread the defects evenly over the activities. A defect asked for as a share comes in each of its kinds at least once."""
    rng = np.random.default_rng([arguments.seed, 3])
    totals: dict[str, int] = {}
    for block in blocks:
        totals[block.application] = totals.get(block.application, 0) + block.activities
    plan: dict[str, list[tuple[int, Kind]]] = {name: [] for name in totals}
    for defect, kinds in kinds_by_defect().items():
        wanted = arguments.defects.number(defect, arguments.events)
        if 0 < float(getattr(arguments.defects, defect)) < 1:
            wanted = max(wanted, len(kinds))
        for i, kind in enumerate(kinds):
            for application, activity in _places(rng, kind, totals, wanted // len(kinds) + (i < wanted % len(kinds))):
                plan[application].append((activity, kind))
    return {name: tuple(sorted(found, key=_number)) for name, found in plan.items()}


def _places(rng: np.random.Generator, kind: Kind, totals: Mapping[str, int], count: int) -> list[tuple[str, int]]:
    """Random activities among all of the applications that can carry the kind."""
    fitting = [n for n in totals if not kind.applications or n in kind.applications]
    if kind.name is not None:
        fitting = [n for n in fitting if n == "token"]
    ends = np.cumsum([totals[n] for n in fitting])
    if not len(ends) or not ends[-1]:
        return []
    drawn = rng.integers(0, ends[-1], count)
    where = np.searchsorted(ends, drawn, side="right")
    return [(fitting[w], int(d - (ends[w] - totals[fitting[w]]))) for w, d in zip(where, drawn, strict=True)]


def serve_defects(rng: np.random.Generator, block: Block, activities: Activities, lines: pl.Series, plan: Plan) -> dict[int, list[Served]]:
    """What is served in place of the activities of a block that carry a defect: item -> activities, in their order.

    Where the activity that was drawn cannot carry the kind (or is one of two that share an id), the next one that can does.
    """
    chosen = _choose(block, activities, lines, plan[block.application])
    if not chosen:
        return {}
    places = pl.DataFrame({"item": pl.Series(list(chosen), dtype=pl.UInt32)})
    items = activities.items.join(places, on="item", how="semi").sort("item").drop("events", "qualifier", "actor", "network", "owner").to_dicts()
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in activities.rows.join(places, on="item", how="semi").sort("item", "row").to_dicts():
        rows.setdefault(row.pop("item"), []).append({**row, "outcome": "kept", "rule": None})
    served = {}
    for item in items:
        number = item.pop("item")
        facts = {**item, "placed": True, "copy": False, "unknown": None, "defect": None}
        served[number] = chosen[number].serve(Served(lines[number].rstrip("\n").encode(), facts, tuple(rows[number])), rng)
    return served


def _choose(block: Block, activities: Activities, lines: pl.Series, planned: Sequence[tuple[int, Kind]]) -> dict[int, Kind]:
    names = activities.rows.filter(pl.col("row") == 0)["name"]
    free = ~activities.items["collides"].to_numpy()
    free[:-1] &= free[1:]  # neither of two activities that share an id
    able: dict[tuple[str, str | None], np.ndarray] = {}
    chosen: dict[int, Kind] = {}
    last = block.first + block.activities
    for activity, kind in planned[bisect_left(planned, block.first, key=_number) : bisect_left(planned, last, key=_number)]:
        wanted = (kind.needs, kind.name)
        if wanted not in able:
            fits = lines.str.contains(kind.needs) & (names == kind.name if kind.name else pl.Series([True]))
            able[wanted] = np.flatnonzero(fits.to_numpy())
        candidates = able[wanted]
        at = int(np.searchsorted(candidates, activity - block.first))
        item = next((int(i) for i in chain(candidates[at:], candidates[:at]) if free[i]), None)
        if item is not None:
            chosen[item] = kind
            free[item] = False
    return chosen


def _number(place: tuple[int, Kind]) -> int:
    return place[0]
