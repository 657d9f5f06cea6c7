"""Materialize real assets in this process: how commands and the demo change a lake, so that everything is in the one history that the UI shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import dagster as dg

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.house import definitions_of
from lakehouse.defs.instance import open_instance
from lakehouse.defs.listen import Advance, Listener, listening
from lakehouse.defs.lost import process_tags
from lakehouse.defs.partitions import HOUR_FORMAT, Calendar
from lakehouse.defs.ranges import range_tags, stretches
from lakehouse.defs.raw import NOT_TRIED
from lakehouse.defs.turns import tell_of_wait
from lakehouse.errors import ConfigurationError, TerminalError, TransientError
from lakehouse.landing.manifest import Purpose
from lakehouse.marts.specs import mart_specs
from lakehouse.settings import Lake
from lakehouse.sources.files.inbox import file_source
from lakehouse.steps.fetch import next_fetch
from lakehouse.steps.waiting import Waiting
from lakehouse.storage import told

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # the log is in the history; the terminal is the command's
_LISTED = 5
_INTERRUPTS = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")


@dataclass(frozen=True)
class Materialized:
    """What came of one call: ids of the runs, the reports of the steps in order, and the partitions that failed with their errors.

    `kept`: partitions that stay as they were made before, and why: sealed days.
    `reports`: `FetchReport` of `materialize_raw` (one per day of hours), `IngestReport` of `materialize_ingest`, `DayReport` of
    `materialize_clean`, `MartsReport` of `materialize_marts`.
    """

    run_ids: tuple[str, ...] = ()
    reports: tuple[Any, ...] = ()
    failures: Mapping[str, Exception] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether every partition is there."""
        return not self.failures

    def raise_for_failures(self) -> None:
        """Raise the error of the partition that failed; of many, `TransientError` when another try may help for all, else `TerminalError`."""
        different = {str(error): error for error in self.failures.values()}
        if len(different) == 1:
            raise next(iter(different.values()))
        if different:
            kind = TransientError if all(isinstance(e, TransientError) for e in different.values()) else TerminalError
            raise kind(f"{len(self.failures)} partitions failed, the others are done:\n{_listed(self.failures)}")


def materialize_raw(
    lake: Lake,
    dataset: Dataset,
    start: dt.datetime,
    end: dt.datetime,
    purpose: Purpose = "new",
    *,
    applications: Sequence[str] | None = None,
    advance: Advance | None = None,
    waiting: Waiting | None = None,
) -> Materialized:
    """Fetch `[start, end)` by materializing its hours of `raw/<dataset>` in one run. Reports: `FetchReport`."""
    config = {"purpose": purpose, "since": start.astimezone(dt.UTC).isoformat(), "until": end.astimezone(dt.UTC).isoformat()}
    if applications is not None:
        config["applications"] = list(applications)  # type: ignore[assignment]
    keys = _hours(Calendar.of(lake, dataset), start, end)
    return _materialize(lake, dataset, [catalogue.raw_key(dataset.name)], keys, config, advance, waiting=waiting)


def materialize_planned(lake: Lake, dataset: Dataset, *, advance: Advance | None = None, waiting: Waiting | None = None) -> Materialized:
    """Fetch what the plan of the next fetch names: unread hours, overlap, sweeps. One run per stretch of hours. Reports: `FetchReport`."""
    hours = {w.window.start.astimezone(dt.UTC).strftime(HOUR_FORMAT) for w in next_fetch(lake, dataset).windows}
    return _materialize(lake, dataset, [catalogue.raw_key(dataset.name)], sorted(hours), {"purpose": "planned"}, advance, waiting=waiting)


def materialize_ingest(lake: Lake, dataset: Dataset, paths: Sequence[str] = (), *, advance: Advance | None = None) -> Materialized:
    """Land new files by materializing `ingest/<dataset>` in one run. Reports: `IngestReport`; failures by path.

    `paths`: files, folders or URLs; none: the inbox of the dataset. `ConfigurationError` for a dataset that is not read from files.
    """
    file_source(dataset)
    work, key = _Work(lake, dataset, [catalogue.ingest_key(dataset.name)]), catalogue.ingest_key(dataset.name).to_user_string()
    with open_instance(lake) as instance, listening(advance) as listener:
        done = _executed(work, instance, listener, [], {"paths": list(paths)}, [key])
    return Materialized((done.run_id,), tuple(listener.reports), listener.failures)


def materialize_clean(
    lake: Lake,
    dataset: Dataset,
    days: Sequence[dt.date],
    engine: str | None = None,
    force: bool = False,
    *,
    keep_sealed: bool | None = None,
    advance: Advance | None = None,
) -> Materialized:
    """Build days by materializing `clean/<dataset>`, one run per stretch of days. Reports: `DayReport`, of the days that went well.

    `keep_sealed`: a sealed day is kept as it was built and is no failure, unless with `force`. Default: when it is one of several.
    """
    config: dict[str, Any] = {"force": force, "keep_sealed": len(days) > 1 if keep_sealed is None else keep_sealed}
    if engine:
        config["engine"] = engine
    return _materialize(lake, dataset, [catalogue.clean_key(dataset.name)], [d.isoformat() for d in days], config, advance)


def materialize_marts(lake: Lake, dataset: Dataset, days: Sequence[dt.date], *, force: bool = False, advance: Advance | None = None) -> Materialized:
    """Publish the marts for these days by materializing all models, one run per stretch of days. Reports: `MartsReport`.

    The first run publishes all days in one version; the runs of the other stretches find nothing left to do. A dataset without models has nothing
    to publish.
    """
    assets = [catalogue.mart_key(spec.name) for spec in mart_specs(dataset.name)]
    keys = [d.isoformat() for d in days]
    return _materialize(lake, dataset, assets, keys, {"force": force, "also": keys}, advance, later={}) if assets else Materialized()


def _materialize(
    lake: Lake,
    dataset: Dataset,
    assets: Sequence[dg.AssetKey],
    keys: Sequence[str],
    config: Mapping[str, Any],
    advance: Advance | None,
    *,
    later: Mapping[str, Any] | None = None,
    waiting: Waiting | None = None,
) -> Materialized:
    """One run per stretch of partitions; a run that fails does not stop the next, unless the source is left alone.

    `later`: the config of all runs but the first.
    """
    work = _Work(lake, dataset, assets)
    runs: list[str] = []
    failures: dict[str, Exception] = {}
    with open_instance(lake) as instance, listening(advance, waiting) as listener:
        for stretch in work.stretches(keys):
            if listener.gave_up:
                failures |= dict.fromkeys(stretch, NOT_TRIED)
                continue
            result = _executed(work, instance, listener, stretch, config if later is None or not runs else later, stretch)
            runs.append(result.run_id)
            failures |= listener.failures
    return Materialized(tuple(runs), tuple(listener.reports), failures, listener.kept)


def _executed(
    work: _Work, instance: dg.DagsterInstance, listener: Listener, keys: Sequence[str], config: Mapping[str, Any], named: Sequence[str]
) -> dg.ExecuteInProcessResult:
    """One run, to its end. What failed is in the listener: what the run told of, else all that it was for (`named`)."""
    listener.failures = {}
    tell_of_wait(instance, work.pools)
    result = work.execute(instance, keys, config)
    if _interrupted(result):
        raise KeyboardInterrupt
    if result.success:
        listener.failures = {}
    elif not listener.failures:
        listener.failures = dict.fromkeys(named, TerminalError(_reason(result)))
    return result


class _Work:
    """Assets of one dataset that one run makes together, and how."""

    def __init__(self, lake: Lake, dataset: Dataset, assets: Sequence[dg.AssetKey]) -> None:
        definitions = definitions_of(lake, lake.url, [dataset])
        self._dataset, self._assets, self._start = dataset, list(assets), Calendar.of(lake, dataset).start
        self._job = definitions.resolve_implicit_global_asset_job_def()
        graph = definitions.resolve_asset_graph()
        self._node = graph.get(assets[0])
        self.pools = {pool for key in assets for pool in graph.get(key).pools or ()}

    def stretches(self, keys: Sequence[str]) -> list[list[str]]:
        """The partitions as stretches without holes; `ConfigurationError` for one that there is not."""
        known = self._node.partitions_def.get_partition_keys() if self._node.partitions_def else []
        unknown = sorted(set(keys) - set(known))
        if unknown:
            name = self._assets[0].to_user_string()
            there = f"Its partitions go from {known[0]} to {known[-1]}." if known else _none_yet(self._start)
            raise ConfigurationError(f"{name} has no partition {', '.join(unknown[:5])}. {there}")
        return stretches(keys, known, len(known))

    def execute(self, instance: dg.DagsterInstance, keys: Sequence[str], config: Mapping[str, Any]) -> dg.ExecuteInProcessResult:
        """Run it here, to its end. `keys`: none for assets without partitions."""
        many = len(keys) > 1
        return self._job.execute_in_process(
            instance=instance,
            asset_selection=self._assets,
            partition_key=keys[0] if len(keys) == 1 else None,
            tags={**process_tags(), "lakehouse/dataset": self._dataset.name, **(range_tags(keys) if many else {})},
            run_config={**_QUIET, "ops": {self._node.assets_def.op.name: {"config": dict(config)}}},
            raise_on_error=False,
        )


def _listed(failures: Mapping[str, Exception]) -> str:
    """The failures, one line for partitions next to each other that failed in the same way, the longest stretches first."""
    groups = [(words, [key for key, _ in group]) for words, group in groupby(failures.items(), key=lambda item: told(item[1]))]
    lines = []
    for words, partitions in sorted(groups, key=lambda group: -len(group[1])):
        names = partitions[0] if len(partitions) == 1 else f"{partitions[0]} to {partitions[-1]} ({len(partitions):,} partitions)"
        lines.append(f"- {names}: {words}")
    return "\n".join([*lines[:_LISTED], *([f"- and {len(lines) - _LISTED:,} more"] if len(lines) > _LISTED else [])])


def _interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Whether somebody pressed Ctrl-C: Dagster makes a failed step of it."""
    errors = [e.step_failure_data.error for e in result.all_events if e.is_step_failure]
    return any(error is not None and error.cls_name in _INTERRUPTS for error in errors)


def _reason(result: dg.ExecuteInProcessResult) -> str:
    errors = [e.step_failure_data.error for e in result.all_events if e.is_step_failure and e.step_failure_data.error is not None]
    return errors[0].message.strip() if errors else f"Run {result.run_id} failed before its step began. See it in the UI: lakehouse dev."


def _none_yet(start: dt.date) -> str:
    return f"It has none before {start}, which is in the future: set datasets.<name>.start in lake.json to an earlier day."


def _hours(calendar: Calendar, start: dt.datetime, end: dt.datetime) -> list[str]:
    """The hours that `[start, end)` touches, those of the future left out."""
    known = calendar.hours.get_partition_keys()
    first, last = start.astimezone(dt.UTC).strftime(HOUR_FORMAT), (end.astimezone(dt.UTC) - dt.timedelta(microseconds=1)).strftime(HOUR_FORMAT)
    if first < f"{calendar.start}T00":
        there = "Set datasets.<name>.start in lake.json to read further back." if known else _none_yet(calendar.start)
        raise ConfigurationError(f"{first} is before the start of this lake, {calendar.start}. {there}")
    return [key for key in known if first <= key <= last]
