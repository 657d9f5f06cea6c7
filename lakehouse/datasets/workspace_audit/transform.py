"""Activities to rows: one row per event."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.contracts.extra import extra_text
from lakehouse.contracts.model import EXTRA, Contract
from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import frame_schema, whole
from lakehouse.datasets.model import Records
from lakehouse.datasets.workspace_audit.event_hash import events_hashes
from lakehouse.datasets.workspace_audit.parameters import Index, Parameters, typed_columns


class _Event(msgspec.Struct):
    parameters: list[msgspec.Raw] | None = None


class _Activity(msgspec.Struct):
    events: list[_Event | None] | None = None


_PLACES = ("event", "parameters")  # of `_extra`: what an event holds beside its columns
_NOT_AS_IT_STANDS = frozenset({"events", *_PLACES})
_RAW_PARAMETERS = msgspec.json.Decoder(_Activity)


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """The rows of a block of activities (see `Transform`)."""
    table = records.table
    lists: Any = whole(table["events"])
    owner = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    events = lists.flatten()
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(pc.fill_null(pc.list_value_length(lists), 0).to_numpy())])
    index = np.arange(len(owner), dtype=np.int64) - first[owner]
    parameters = Parameters.of(events)
    typed, bad = typed_columns(parameters, contract)
    events_field = contract.record.field("events")
    hashes = events_hashes(records, events_field.type) if events_field else pl.Series(dtype=pl.String)
    rows = {**_envelope(table, owner), **typed, "event_index": pa.array(index)}
    rows["event_type"], rows["event_name"] = pc.struct_field(events, "type"), pc.struct_field(events, "name")
    rows["event_hash"] = hashes.to_arrow().take(_indices(owner))
    frame = _derived(pl.DataFrame(pa.table(rows)))
    extra = _extra(records, owner, index, parameters)
    faults = _faults(frame, bad)
    return frame.select(
        *(pl.col(name).cast(kind) for name, kind in frame_schema(contract).items()),
        extra.alias(EXTRA.name),
        faults,
        pl.Series("_record", owner, dtype=pl.UInt32),
    )


def _indices(places: Index) -> Any:
    return pa.array(places)


def _envelope(table: pa.Table, owner: Index) -> dict[str, Any]:
    """The fields of the record, once per event."""
    base = table if len(owner) == table.num_rows and (np.diff(owner) == 1).all() else table.take(_indices(owner))
    identity, actor, network = (whole(base[n]) for n in ("id", "actor", "networkInfo"))
    return {
        "_time": pc.struct_field(identity, "time"),
        "unique_id": pc.struct_field(identity, "uniqueQualifier"),
        "application": pc.struct_field(identity, "applicationName"),
        "customer_id": pc.struct_field(identity, "customerId"),
        "actor_email": pc.struct_field(actor, "email"),
        "actor_profile_id": pc.struct_field(actor, "profileId"),
        "actor_caller_type": pc.struct_field(actor, "callerType"),
        "actor_key": pc.struct_field(actor, "key"),
        "ip_address": whole(base["ipAddress"]),
        "ip_asn": pc.struct_field(network, "ipAsn"),
        "region_code": pc.struct_field(network, "regionCode"),
        "subdivision_code": pc.struct_field(network, "subdivisionCode"),
        "owner_domain": whole(base["ownerDomain"]),
    }


def _derived(frame: pl.DataFrame) -> pl.DataFrame:
    def domain(column: str) -> pl.Expr:
        return pl.col(column).str.extract(r"@([^@]+)$").str.to_lowercase().alias(f"{column}_domain")

    return frame.with_columns(
        parse_times(frame["_time"]).alias("event_time"),
        pl.coalesce("actor_email", "actor_profile_id", "actor_key").alias("actor"),
        domain("actor_email"),
        domain("target_email"),
    )


def _faults(frame: pl.DataFrame, bad: dict[str, pl.Series]) -> pl.Series:
    """Per row the rules that its values broke before Pandera could see them: "rule:column"."""
    told = {"time_unreadable:event_time": frame["event_time"].is_null(), **{f"not_a_number:{name}": mask for name, mask in bad.items()}}
    told = {rule: mask for rule, mask in told.items() if mask.any()}
    if not told:
        return pl.Series("_faults", [None], dtype=pl.List(pl.String)).new_from_index(0, frame.height)
    lists = pl.concat_list(pl.when(mask).then(pl.lit(rule)).otherwise(None) for rule, mask in told.items()).list.drop_nulls()
    return pl.select(lists.alias("_faults")).to_series()


def _extra(records: Records, owner: Index, index: Index, parameters: Parameters) -> pl.Series:
    """`_extra` per row, as it stands in the raw text: the record's unknown fields, the event's (under "event"), the parameters of no column."""
    unclaimed: dict[int, list[int]] = {}
    begins = np.searchsorted(parameters.owner, np.arange(parameters.events))
    for place in np.flatnonzero(~parameters.claimed).tolist():
        event = int(parameters.owner[place])
        unclaimed.setdefault(event, []).append(place - int(begins[event]))
    with_extra = set(unclaimed)
    if records.extra:
        with_extra |= set(np.flatnonzero(np.isin(owner, np.fromiter(records.extra, np.int64))).tolist())
    texts: list[str | None] = [None] * len(owner)
    for row in with_extra:
        texts[row] = _extra_of(records, int(owner[row]), int(index[row]), unclaimed.get(row, []))
    return pl.Series(EXTRA.name, texts, dtype=pl.String)


def _extra_of(records: Records, record: int, event: int, places: list[int]) -> str | None:
    found = records.extra.get(record, {})
    if not places and found.keys().isdisjoint(_NOT_AS_IT_STANDS):
        return extra_text(found).decode() if found else None
    found = dict(found)
    events = found.pop("events", None)
    # An unknown field of the record may bear the name of a place of ours: it keeps its value under a name that leads back to it.
    found = {f"record.{name}" if name in _PLACES else name: value for name, value in found.items()}
    if isinstance(events, list) and events[event]:
        found["event"] = events[event]
    if places:
        told = _RAW_PARAMETERS.decode(records.line(record)).events
        raw = told[event] if told else None
        found["parameters"] = [bytes(raw.parameters[p]) for p in places] if raw is not None and raw.parameters else []
    return extra_text(found).decode() if found else None
