"""The canonical form of an activity's events: the same event told with other parameter or key order has the same hash.

Object keys are sorted, parameter lists are sorted by name, null members are left out and a number counts as its text (the API writes int64 both
ways). The text is built column by column from decoded records; records with fields that the contract does not name are read one by one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.contracts.model import JsonBool, JsonList, JsonObject, JsonText, JsonType
from lakehouse.datasets.model import Records

_UNORDERED = ("parameters", "parameter")


def events_hashes(records: Records, events: JsonType) -> pl.Series:
    """Hash (32 hex digits) of the events of each record. `events` is the declared type of the field."""
    texts = _texts(records.table["events"].combine_chunks(), events, unordered=False)
    odd = texts.str.contains(r"[\x00-\x1f]").fill_null(False)
    hashes = [hashlib.blake2b(t.encode(), digest_size=16).hexdigest() for t in texts]
    one_by_one = {i for i, extra in records.extra.items() if "events" in extra} | set(odd.arg_true().to_list())
    for index in one_by_one:
        hashes[index] = events_hash(records.line(index))
    return pl.Series("event_hash", hashes, dtype=pl.String)


def events_hash(line: bytes) -> str:
    """Hash of the events of one record, from its text."""
    events = json.loads(line, parse_int=str, parse_float=str)["events"]
    return hashlib.blake2b(_text(events, unordered=False).encode(), digest_size=16).hexdigest()


def _text(value: Any, *, unordered: bool) -> str:
    if isinstance(value, dict):
        members = (f"{_quoted(k)}:{_text(value[k], unordered=k in _UNORDERED)}" for k in sorted(value) if value[k] is not None)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        items = [_text(v, unordered=False) for v in value]
        if unordered:
            items = [text for _, text in sorted(zip((_name(v) for v in value), items, strict=True))]
        return "[" + ",".join(items) + "]"
    if isinstance(value, str):
        return _quoted(value)
    return {True: "true", False: "false", None: "null"}[value]


def _name(item: Any) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _texts(values: Any, kind: JsonType, *, unordered: bool) -> pl.Series:
    """The canonical text of each value, null where the value is null. Control characters stand unescaped: the caller looks for them."""
    match kind:
        case JsonText():
            plain = pl.Series(values, dtype=pl.String)
            if plain.str.contains(r'["\\]').any():
                plain = plain.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
            return pl.select(pl.format('"{}"', plain)).to_series()
        case JsonBool():
            return pl.Series(values, dtype=pl.Boolean).cast(pl.String)
        case JsonList(item):
            return _list_texts(values, item, unordered=unordered)
        case JsonObject():
            return _object_texts(values, kind)
        case _:
            raise TypeError(f"the events of the contract must not hold {type(kind).__name__}: its canonical text cannot be told from its value")


def _list_texts(values: Any, item: JsonType, *, unordered: bool) -> pl.Series:
    texts = _texts(values.flatten(), item, unordered=False).fill_null("null")
    if unordered:
        texts = _by_name(values, texts)
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    offsets = pa.array(np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)]))
    lists = pl.Series(pa.LargeListArray.from_arrays(offsets, texts.to_arrow()))
    inside = pl.select(pl.format("[{}]", lists.list.join(","))).to_series()
    return inside.set(pl.Series(pc.is_null(values)), None) if values.null_count else inside


def _by_name(values: Any, texts: pl.Series) -> pl.Series:
    """The texts of the items of all lists, those of each list sorted by the name of the item, then by text."""
    parents = pc.list_parent_indices(values).to_numpy().astype(np.int64)
    names = pc.fill_null(pc.struct_field(values.flatten(), "name"), "").dictionary_encode()
    known = np.array([n.encode() for n in names.dictionary.to_pylist()], dtype=object)
    ranks = np.argsort(np.argsort(known))[names.indices.to_numpy()] if len(known) else parents
    places = parents * (len(known) + 1) + ranks
    order = np.argsort(places, kind="stable")
    if (np.diff(places[order]) == 0).any():  # one name twice in a list: rare, and ten times dearer
        return pl.DataFrame({"place": places, "text": texts}).sort("place", "text")["text"]
    return texts.gather(order)


def _object_texts(values: Any, kind: JsonObject) -> pl.Series:
    members = {}
    for index in sorted(range(len(kind.fields)), key=lambda i: kind.fields[i].name):
        field = kind.fields[index]
        column = pc.struct_field(values, [index])
        if column.null_count < len(column):
            text = _texts(column, field.type, unordered=field.name in _UNORDERED)
            members[field.name] = pl.select(pl.format(_quoted(field.name) + ":{}", text)).to_series()
    if not members:
        inside = pl.Series([""], dtype=pl.String).new_from_index(0, len(values))
    else:
        inside = pl.DataFrame(members).select(pl.concat_str(pl.all(), separator=",", ignore_nulls=True)).to_series()
    whole = pl.select(pl.concat_str(pl.lit("{"), inside, pl.lit("}"))).to_series()
    return whole.set(pl.Series(pc.is_null(values)), None) if values.null_count else whole
