"""Building days and publishing their marts from the command line: what every command does that changed raw or was asked to build."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakehouse.cli.exits import ExitCode, code_of_all
from lakehouse.cli.output import facts, hint, tick

if TYPE_CHECKING:
    from lakehouse.cli.work import Failed
    from lakehouse.datasets.model import Dataset
    from lakehouse.defs.run import Materialized
    from lakehouse.settings import Lake


def build_stale(lake: Lake, dataset: Dataset, *, quiet: bool) -> tuple[dict[str, Any], Failed]:
    """Build what is stale and publish it, and what was built before and never published: see `build_days`."""
    from lakehouse.steps.build import stale_days

    stale = [s.day for s in stale_days(lake, dataset)]
    return build_days(lake, dataset, stale, also_publish=unpublished(lake, dataset), quiet=quiet)


def unpublished(lake: Lake, dataset: Dataset) -> Sequence[dt.date]:
    """What a command that was killed between a build and its marts left behind."""
    from lakehouse.steps.publish import unpublished_days

    return unpublished_days(lake, dataset)


def build_days(
    lake: Lake,
    dataset: Dataset,
    days: Sequence[dt.date],
    *,
    engine: str | None = None,
    force: bool = False,
    keep_sealed: bool = True,
    marts: bool = True,
    also_publish: Sequence[dt.date] = (),
    quiet: bool = False,
) -> tuple[dict[str, Any], Failed]:
    """Build days and publish the marts of those that went well, and of `also_publish`, whatever failed.

    Returns the facts for `--json`, and what failed. `keep_sealed`: a sealed day is kept as built, else it fails.
    """
    from lakehouse.cli.work import advancing, built, failed_checks, published, runs, show_built, show_published
    from lakehouse.defs.run import Materialized, materialize_clean, materialize_marts

    done = shown = Materialized()
    if days:
        with advancing("building", quiet=quiet) as advance:
            done = materialize_clean(lake, dataset, days, engine, force, keep_sealed=keep_sealed, advance=advance)
    if done.reports and not quiet:
        show_built(done.reports, facts())
    for kept, why in done.kept.items():
        hint(f"{kept} is kept as built: {why}")
    red = failed_checks(done.reports)
    to_publish = sorted({*(r.day for r in done.reports), *also_publish}) if marts else []
    if to_publish:
        with advancing("publishing", quiet=quiet) as advance:
            shown = materialize_marts(lake, dataset, to_publish, force=force, advance=advance)
        if not quiet:
            show_published(shown.reports, facts())
    elif not days and not quiet:
        facts().print(f"{tick(True)} nothing is stale: no day to build{', nothing to publish' if marts else ''}")
    failed = _failed(done, shown, red)
    told = {"runs": runs(done, shown), "days": built(done.reports), "kept": sorted(done.kept), "marts": published(shown.reports)}
    return told | {"errors": failed.words}, failed


def _failed(done: Materialized, shown: Materialized, red: Sequence[str]) -> Failed:
    """What went wrong with days and marts. Days that all failed for one reason fail as that error would by itself."""
    from lakehouse.cli.work import Failed

    marts = dict.fromkeys(str(error) for error in shown.failures.values())
    words = [*(f"{day}: {error}" for day, error in done.failures.items()), *red, *(f"marts: {error}" for error in marts)]
    if red:
        return Failed(words, ExitCode.DATA)
    code = code_of_all([*done.failures.values(), *shown.failures.values()], some_done=bool(done.reports or shown.reports))
    reasons = {str(error): error for error in done.failures.values()}
    alone = len(reasons) == 1 and not done.reports and not marts
    return Failed(words, code, next(iter(reasons.values())) if alone else None)
