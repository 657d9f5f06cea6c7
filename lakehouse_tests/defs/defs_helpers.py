"""What the tests of the definitions share beside fixtures."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
import msgspec

from lakehouse.datasets.registry import find_dataset
from lakehouse.defs.house import definitions_of
from lakehouse.defs.resources import LakeResource
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Manifest, Window
from lakehouse.landing.write import land_fetch
from lakehouse.settings import Lake

DATASET = "workspace_audit"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
FIRST_DAY = dt.date(2026, 11, 18)
CLOCK = dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC)
SERVED_FROM, SERVED_TO = dt.datetime(2026, 11, 18, 6, tzinfo=dt.UTC), dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)
PERSON = "ada.lovelace@example.com"


def activity(when: dt.datetime, unique: int) -> bytes:
    """One login as the API writes it."""
    told = {
        "kind": "admin#reports#activity",
        "id": {"time": f"{when:%Y-%m-%dT%H:%M:%S}.000Z", "uniqueQualifier": str(unique), "applicationName": "login", "customerId": "C0"},
        "actor": {"callerType": "USER", "email": PERSON, "profileId": "1"},
        "events": [{"type": "login", "name": "login_success", "parameters": [{"name": "login_type", "value": "google_password"}]}],
    }
    return json.dumps(told, separators=(",", ":")).encode()


def land(lake: Lake, when: dt.datetime, lines: int = 3, *, first: int = 0, broken: int = 0, spaced: bool = False) -> Manifest:
    """Land one hour of logins, one a minute, some of them no JSON. `spaced`: the same in other bytes, which land again and are duplicates."""
    hour = when.replace(minute=0)
    window = Window(hour, hour + dt.timedelta(hours=1))
    texts = [activity(hour + dt.timedelta(minutes=n), first + n) for n in range(lines)]
    texts = [json.dumps(json.loads(text)).encode() for text in texts] if spaced else texts
    texts += [activity(hour + dt.timedelta(minutes=30 + n), 900 + n)[:-1] + b', "x"}' for n in range(broken)]
    contract = find_dataset(DATASET).contract
    return land_fetch(
        lake, contract, source="reports_api", application="login", purpose="new", window=window, covered=window, batches=[texts], http=dict,
        started_at=lake.now(),
    )  # fmt: skip


def lose_a_part(lake: Lake, dataset: str, day: dt.date) -> Callable[[], None]:
    """Take a raw part of a day away, so that the day cannot be built; call the answer to put it back."""
    ledger = load_ledger(lake, dataset)
    path = ledger.parts[ledger.grains(day)[0].key][0].part.path
    data = lake.store.read(path)
    lake.store.delete(path)

    def mend() -> None:
        lake.store.create(path, data)

    return mend


def definitions(lake: Lake) -> dg.Definitions:
    """The definitions of a lake, whose runs open that lake."""
    return definitions_of(lake, lake.url)


def materialized(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, int]:
    """Partition -> how often it was materialized."""
    records = instance.fetch_materializations(key, limit=10_000).records
    return dict(sorted(Counter(str(r.partition_key) for r in records).items()))


def check_statuses(instance: dg.DagsterInstance, lake: Lake, key: dg.AssetKey, name: str) -> dict[str, set[str]]:
    """Status -> partitions, as the page of the check shows them: a result counts only against the newest materialization."""
    check = dg.AssetCheckKey(key, name)
    partitions = definitions(lake).resolve_asset_graph().get(key).partitions_def
    state = instance.event_log_storage.get_asset_check_state([(check, partitions)])[check]
    return {status.name: set(subset.value.get_partition_keys()) for status, subset in state.subsets.items() if not subset.is_empty}


def newest(instance: dg.DagsterInstance, key: dg.AssetKey, partition: object) -> dg.AssetMaterialization:
    """The newest materialization of a partition."""
    records = instance.fetch_materializations(dg.AssetRecordsFilter(asset_key=key, asset_partitions=[str(partition)]), limit=1).records
    found = records[0].asset_materialization
    assert found is not None
    return found


def at(lake: Lake, clock: dt.datetime) -> Lake:
    """The same lake with another fixed clock."""
    return lake.with_settings(msgspec.structs.replace(lake.settings, clock=clock))


@dataclass(frozen=True)
class Tick:
    """What a sensor answered."""

    run_requests: list[dg.RunRequest]
    cursor: str | None
    skip_message: str


def tick(lake: Lake, instance: dg.DagsterInstance, sensor: str, cursor: str | None = None) -> Tick:
    """Let a sensor look once, as the daemon does."""
    found = definitions(lake)
    repository = found.get_repository_def()
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=repository, resources={"lake": LakeResource(url=lake.url)}
    ) as context:
        data = found.resolve_sensor_def(sensor).evaluate_tick(context)
    return Tick(list(data.run_requests or []), data.cursor, data.skip_message or "")


def execute(lake: Lake, instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Run what a sensor asked for, here."""
    return definitions(lake).resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=list(request.asset_selection or []),
        tags=dict(request.tags),
        run_config={**QUIET, **dict(request.run_config)},
        raise_on_error=False,
    )  # fmt: skip
