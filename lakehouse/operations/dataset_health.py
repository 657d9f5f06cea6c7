"""What `lakehouse doctor` looks at of each dataset: its committed files, the keys of its tokens, orphans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.findings import Finding
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.orphans import clear_orphans
from lakehouse.operations.health import no_key_yet
from lakehouse.operations.orphans import orphans
from lakehouse.settings import ENV_TOKEN_KEY, Lake
from lakehouse.storage import FAULTS, told
from lakehouse.tables import builds
from lakehouse.tables.committed import damaged_files
from lakehouse.tables.dimensions import current_dimensions, damaged_tables

_WRONG_FILES = 5  # shown by name


def dataset_findings(lake: Lake, dataset: Dataset, *, clear: bool = False) -> Iterator[Finding]:
    """What is told of one dataset. `clear`: delete its orphans."""
    try:
        yield from _files(lake, dataset)
        yield from _tokens(lake, dataset)
        yield _orphans(lake, dataset, clear=clear)
    except FAULTS as error:
        yield Finding(dataset.name, "bad", told(error))


def _files(lake: Lake, dataset: Dataset) -> Iterator[Finding]:
    wrong = damaged_files(lake, dataset.contract)
    wrong += [error for version in current_dimensions(lake, dataset).values() for error in damaged_tables(lake, version)]
    name = f"files of {dataset.name}"
    if not wrong:
        yield Finding(name, "good", "all that committed builds and dimensions name are there, whole")
    for error in wrong[:_WRONG_FILES]:
        yield Finding(name, "bad", str(error))
    if len(wrong) > _WRONG_FILES:
        yield Finding(name, "bad", f"{len(wrong) - _WRONG_FILES:,} more")


def _tokens(lake: Lake, dataset: Dataset) -> Iterator[Finding]:
    """Days that were built under another key than that of now: one address has two tokens, so nothing of such days can be joined with others."""
    contract = dataset.contract
    if all(column.pii is None for column in contract.columns):
        return
    accounts = builds.accounts_of(lake, builds.committed_builds(lake, contract).values())
    days: dict[str, set[dt.date]] = {}
    for (day, _), account in accounts.items():
        days.setdefault(account.token_key_id, set()).add(day)
    if not days:
        return
    try:
        now = "none yet" if no_key_yet(lake) else lake.token_key().id
    except ConfigurationError:  # told by itself
        return
    expired = set(load_ledger(lake, dataset.name).sealed)
    for key, those in sorted((key, those) for key, those in days.items() if key != now):
        first, last = min(those), max(those)
        said = f"{len(those):,} days, {first} to {last}, were built under the token key {key}, and that of now is {now}: one address has two tokens"
        again = f"lakehouse replay --from {first} --to {last} --dataset {dataset.name}"
        if those <= expired:
            yield Finding(f"tokens of {dataset.name}", "note", f"{said}. Their raw has expired, so they stay as they are")
        else:
            yield Finding(f"tokens of {dataset.name}", "bad", said, f"set {ENV_TOKEN_KEY} to the key of then, or build the days again: {again}")


def _orphans(lake: Lake, dataset: Dataset, *, clear: bool) -> Finding:
    found, name = orphans(lake, dataset), f"orphans of {dataset.name}"
    size = sum(e.size for e in found)
    if not found:
        return Finding(name, "good", "none")
    if clear:
        freed = clear_orphans(lake.store, found)
        return Finding(name, "good", f"{len(found):,} files deleted, {freed:,} bytes freed")
    return Finding(name, "note", f"{len(found):,} files, {size:,} bytes, such as {found[0].path}", "lakehouse doctor --clear")
