"""Files that nothing names: what killed processes left behind, in raw and clean of a dataset. They harm nobody, and take space."""

from __future__ import annotations

import datetime as dt
import re

from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.orphans import OLDER_THAN, find_orphans, raw_orphans
from lakehouse.settings import Lake
from lakehouse.storage import Entry
from lakehouse.tables.builds import build_folder
from lakehouse.tables.forgotten import forgotten_files
from lakehouse.tables.grains import table_folder
from lakehouse.tables.records import Build, decode_record

# Names of the files of a grain result hold its digest, with the attempt where there is one: 13-<32 hex digits>[-<8>].parquet; its account likewise.
# Until such a file is whole, #<n> follows: nobody names it, whatever its digest is.
_UNFINISHED = re.compile(r"#\d+$")
_DIGEST = re.compile(r"(?:^|-)([0-9a-f]{32}(?:-[0-9a-f]+)?)\b[^/]*\.(?:parquet|json)$")


def orphans(lake: Lake, dataset: Dataset, *, now: dt.datetime | None = None, older_than: dt.timedelta = OLDER_THAN) -> list[Entry]:
    """Files of a dataset that no manifest and no build names and that are older than that, sorted by path.

    A grain result that was staged for a build which was refused, or never came to be written down, is one. What a build once named may be in an older
    version of the clean table: that is left, but for results that still hold rows of erased lines.
    """
    at = now or dt.datetime.now(dt.UTC)
    raw = raw_orphans(lake, dataset.name, now=at, older_than=older_than)
    named = _named_digests(lake, dataset.name)
    folders = (table_folder(dataset.name), f"quarantine/{dataset.name}", f"ops/grains/{dataset.name}")
    staged = [e for folder in folders for e in find_orphans(lake.store, folder, frozenset(), at, older_than)]
    forgotten = [e for e in forgotten_files(lake, dataset.contract, load_ledger(lake, dataset.name)) if at - e.modified > older_than]
    found = {e.path: e for e in (*raw, *(e for e in staged if _unnamed(e.path, named)), *forgotten)}
    return [found[path] for path in sorted(found)]


def _named_digests(lake: Lake, dataset: str) -> set[str]:
    paths = [e.path for e in lake.store.entries(build_folder(dataset)) if e.path.endswith(".json") and not e.path.endswith(".refused.json")]
    found: list[Build] = [decode_record(lake.store.read(path), Build, lake.store.uri(path)) for path in paths]
    return {ref.digest for build in found for ref in build.grains}


def _unnamed(path: str, named: set[str]) -> bool:
    if _UNFINISHED.search(path):
        return True
    if "/_delta_log/" in path:
        return False
    match = _DIGEST.search(path.rsplit("/", 1)[-1])
    return match is not None and match[1] not in named
