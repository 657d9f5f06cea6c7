"""What changes raw without asking the source runs no asset; the pages of the raw partitions that it touched are told."""

from __future__ import annotations

from collections import Counter

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.defs.instance import open_instance
from lakehouse.defs.runless import raw_materialized, raw_observed
from lakehouse.landing.ledger import load_ledger, read_manifest
from lakehouse.landing.sealed import expired
from lakehouse.settings import Lake
from lakehouse.steps.compact import CompactionReport
from lakehouse.steps.erase import ErasureReport
from lakehouse.steps.redrive import RedriveReport
from lakehouse.steps.release import ReleaseReport
from lakehouse.steps.retention import ExpiryReport


def tell_redrive(lake: Lake, dataset: Dataset, report: RedriveReport) -> None:
    """Log a materialization for each partition of raw in which mended lines landed."""
    ledger = load_ledger(lake, dataset.name)
    mended: Counter[str] = Counter()
    for part in (p for m in report.manifests for p in m.parts):
        mended[part.grain] += part.lines
    numbers = ", ".join(str(m.number) for m in report.manifests)
    with open_instance(lake) as instance:
        for key, lines in sorted(mended.items()):
            raw_materialized(instance, dataset, ledger, Grain.parse(key), {"redriven_lines": lines, "redriven_by_manifests": numbers})


def tell_erasure(lake: Lake, dataset: Dataset, report: ErasureReport) -> None:
    """Log a materialization for each partition of raw in which lines were erased: it says something else now."""
    if report.manifest is None:
        return
    ledger = load_ledger(lake, dataset.name)
    erased: Counter[str] = Counter()
    for part in report.parts:
        landed = ledger.find(part.part)
        if landed is not None:
            erased[landed.part.grain] += part.lines
    with open_instance(lake) as instance:
        for key, lines in sorted(erased.items()):
            raw_materialized(instance, dataset, ledger, Grain.parse(key), {"erased_now": lines, "erased_by_manifest": report.manifest.number})


def tell_compaction(lake: Lake, dataset: Dataset, report: CompactionReport) -> None:
    """Log an observation for each partition of raw whose files were put together: it says what it said before."""
    if report.dry_run or not report.days:
        return
    ledger = load_ledger(lake, dataset.name)
    with open_instance(lake) as instance:
        for day in report.days:
            manifest = read_manifest(lake.store, dataset.name, day.manifest) if day.manifest is not None else None
            moved = {move.part for move in manifest.moves} if manifest is not None else set()
            for grain in ledger.grains(day.day):
                count = sum(p.part.path in moved for p in ledger.parts[grain.key])
                if count:
                    files = len({p.part.file for p in ledger.parts[grain.key]})
                    what = {"compacted_parts": count, "compacted_by_manifest": day.manifest, "files": files}
                    raw_observed(instance, dataset, grain, what)


def tell_release(lake: Lake, dataset: Dataset, report: ReleaseReport) -> None:
    """Log an observation for each partition of raw whose held rows were admitted: nothing landed there, so it is no materialization."""
    if report.manifest is None:
        return
    ledger = load_ledger(lake, dataset.name)
    parts = Counter(landed.part.grain for path in report.manifest.releases if (landed := ledger.find(path)) is not None)
    with open_instance(lake) as instance:
        for key, count in sorted(parts.items()):
            what = {"released_parts": count, "released_by_manifest": report.manifest.number}
            raw_observed(instance, dataset, Grain.parse(key), what)


def tell_expiry(lake: Lake, dataset: Dataset, report: ExpiryReport) -> None:
    """Log an observation for each partition of raw whose parts expired: what landed there is still known, its text is gone."""
    if report.manifest is None:
        return
    ledger = load_ledger(lake, dataset.name)
    with open_instance(lake) as instance:
        for grain in (grain for day in report.sealed for grain in ledger.grains(day.day)):
            freed = sum(p.part.size for p in ledger.parts[grain.key])
            told = expired(grain.date, ledger.sealed[grain.date])
            what = {"expired": told, "expired_by_manifest": report.manifest, "freed_bytes": freed, "stored_bytes": 0}
            raw_observed(instance, dataset, grain, what)
