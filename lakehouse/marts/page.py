"""The page of a dataset in `docs/`: its contract and its marts as they are declared, written into the places that the page has for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lakehouse.contracts.page import contract_sections, fill, table
from lakehouse.datasets.model import Dataset
from lakehouse.marts.specs import MartSpec
from lakehouse.settings import project_root


def page_path(dataset: str) -> Path:
    """Where the page of a dataset is: `docs/<dataset>.md`. Not every dataset needs one."""
    return project_root() / "docs" / f"{dataset}.md"


def marts_section(specs: Iterable[MartSpec]) -> str:
    """The marts as one Markdown table per area: name, reach, what a row is, what it means, what it accounts for."""
    areas: dict[str, list[MartSpec]] = {}
    for spec in sorted(specs, key=lambda s: s.name):
        areas.setdefault(spec.area, []).append(spec)
    return "\n\n".join(_area(area, areas[area]) for area in sorted(areas))


def dataset_page(dataset: Dataset, specs: Iterable[MartSpec], text: str) -> str:
    """The text of a page with all generated sections as they should be. Raises `ValueError` when a section has no place."""
    return fill(text, contract_sections(dataset.contract) | {"marts": marts_section(s for s in specs if s.dataset == dataset.name)})


def _area(area: str, specs: list[MartSpec]) -> str:
    return f"**{area.capitalize()}**\n\n" + table(("mart", "reach", "one row per", "meaning", "rows of clean"), list(_rows(specs)))


def _rows(specs: list[MartSpec]) -> Iterator[tuple[str, ...]]:
    for spec in specs:
        where = f"accounts for those with `{spec.source_predicate}`" if spec.source_predicate else "accounts for all"
        account = where if spec.accounts else f"derives from `{spec.derives_from}`"
        yield f"`{spec.name}`", spec.reach, ", ".join(f"`{c}`" for c in spec.grain), spec.description, account
