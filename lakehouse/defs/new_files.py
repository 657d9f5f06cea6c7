"""The sensor for new files: lists the inbox (cheap, opens no file) and requests an ingest when something waits in it."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import hashlib
from collections.abc import Sequence

import dagster as dg

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.ranges import ATTEMPTS, failures, look_unless_running
from lakehouse.defs.resources import LakeResource
from lakehouse.defs.switches import sensor_status
from lakehouse.settings import Lake
from lakehouse.sources.files.inbox import FoundFile
from lakehouse.steps.ingest import waiting_files

INGEST_TAG = "lakehouse/ingest"  # the value names the files that waited


def build_new_files_sensor(*, dataset: Dataset, ingest: dg.AssetsDefinition) -> dg.SensorDefinition:
    """Requests an ingest of the inbox; none while one runs. Files that failed three times wait until another one comes or they change."""
    name = dataset.name

    @dg.sensor(
        name=f"{name}_new_files_sensor",
        target=ingest,
        minimum_interval_seconds=30,
        default_status=sensor_status(),
        description=f"Ingests the files that wait in the inbox of {name}.",
    )
    def new_files(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        def look(opened: Lake) -> dg.RunRequest | dg.SkipReason:
            found = waiting_files(opened, dataset)
            return _request(context, name, found.files) if found.files else dg.SkipReason(f"No file waits in the inbox{_but(found.aside)}.")

        return look_unless_running(context.instance, catalogue.ingest_key(name), f"ingests {name}", lake, look)

    return new_files


def _but(aside: Sequence[str]) -> str:
    return f"; {len(aside):,} lie there that no feed takes by their names, such as {aside[0]}" if aside else ""


def _request(context: dg.SensorEvaluationContext, name: str, files: Sequence[FoundFile]) -> dg.RunRequest | dg.SkipReason:
    content = hashlib.blake2b(repr(sorted((f.name, f.size, f.modified) for f in files)).encode(), digest_size=8).hexdigest()
    failed = failures(context.instance, INGEST_TAG, content)
    if failed >= ATTEMPTS:
        few = ", ".join(f.name for f in files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
        return dg.SkipReason(f"{few} failed {failed} times; tried again when a file comes or changes, or by hand: lakehouse ingest {name}")
    return dg.RunRequest(
        run_key=f"{name}:{content}:{failed}",  # remembered for ever, so it names the content and the attempt
        asset_selection=[catalogue.ingest_key(name)],
        tags={INGEST_TAG: content, "lakehouse/dataset": name},
    )
