"""The name-value lists of the Reports API as typed columns.

A parameter is claimed by a column whose path names it (`events[].parameters[api_name]`) when its value stands where the column's type expects it.
Whatever is not claimed, or is claimed but says more, is left for `_extra`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.contracts.model import Column, Contract, ListType, StructType
from lakehouse.contracts.types import arrow_type

_PATH = re.compile(r"^events\[\]\.parameters\[([^\]]+)\]$")
_SIMPLE = ("value", "intValue", "boolValue", "multiValue", "multiIntValue")
_SLOTS = (*_SIMPLE, "messageValue", "multiMessageValue")
_SCOPE_PARTS = ("scope_name", "product_bucket")
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]


def parameter_names(column: Column) -> tuple[str, ...]:
    """The parameters that a column takes its value from, best first; none for a column that is no parameter."""
    match = _PATH.match(column.path or "")
    return tuple(match.group(1).split(",")) if match else ()


@dataclass
class Parameters:
    """The flattened parameters of all events of a block: `owner[k]` is the event of parameter k, `claimed[k]` whether a column took it whole.

    `slots`: value field -> its values, `valid`: where they are. `single[k]`: parameter k has one value field.
    """

    owner: Index
    events: int
    codes: Index
    names: list[str | None]
    single: Mask
    slots: dict[str, Any]
    valid: dict[str, Mask]
    claimed: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.claimed = np.zeros(len(self.owner), bool)

    @classmethod
    def of(cls, events: Any) -> Parameters:
        """The parameters of a struct array of events."""
        lists = pc.struct_field(events, "parameters")
        items = lists.flatten()
        fields = dict(zip((field.name for field in items.type), items.flatten(), strict=True))
        names = fields["name"].dictionary_encode()
        slots = {slot: fields[slot] for slot in _SLOTS}
        valid = {slot: _valid(values) for slot, values in slots.items()}
        codes = pc.fill_null(names.indices, -1).to_numpy(zero_copy_only=False)
        owner = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
        return cls(owner, len(events), codes, names.dictionary.to_pylist(), _filled(valid.values(), len(items)) == 1, slots, valid)

    def choose(self, names: tuple[str, ...], there: Mask) -> Index:
        """For each event the first parameter of these names that has a value where `there` says so; -1 for none. Chosen ones are claimed."""
        chosen = np.full(self.events, -1, np.int64)
        for name in names:
            if name not in self.names:
                continue
            at = np.flatnonzero((self.codes == self.names.index(name)) & there)[::-1]
            place = np.full(self.events, -1, np.int64)
            place[self.owner[at]] = at  # reversed above: the first of several stays
            chosen = np.where(chosen < 0, place, chosen)
        taken = chosen[chosen >= 0]
        self.claimed[taken] = self.single[taken]
        return chosen


def _filled(valid: Iterable[Mask], count: int) -> npt.NDArray[np.int8]:
    """How many value fields each of `count` parameters has."""
    filled = np.zeros(count, np.int8)
    for mask in valid:
        filled += mask
    return filled


def _valid(values: Any) -> Mask:
    mask: Mask = values.is_valid().to_numpy(zero_copy_only=False)
    return mask


def _take(values: Any, chosen: Index) -> Any:
    return values.take(pa.array(chosen, mask=chosen < 0))


def typed_columns(parameters: Parameters, contract: Contract) -> tuple[dict[str, Any], dict[str, pl.Series]]:
    """Arrow array per parameter column, one value per event; and for columns with values that cannot be what the column wants, which events."""
    columns: dict[str, Any] = {}
    faults: dict[str, pl.Series] = {}
    for column in contract.columns:
        names = parameter_names(column)
        if not names or column.name.endswith("_domain"):
            continue
        if not any(name in parameters.names for name in names):
            absent: Any = arrow_type(column.type)
            columns[column.name] = pa.nulls(parameters.events, absent)
            continue
        match column.type:
            case "string":
                columns[column.name] = _take(parameters.slots["value"], parameters.choose(names, parameters.valid["value"]))
            case "int64":
                columns[column.name], bad = _integers(parameters, names)
                if bad.any():
                    faults[column.name] = bad
            case "bool":
                columns[column.name] = _take(parameters.slots["boolValue"], parameters.choose(names, parameters.valid["boolValue"]))
            case ListType(StructType()):
                columns[column.name] = _scope_data(parameters, names, arrow_type(column.type))
            case ListType():
                columns[column.name] = _texts(parameters, names)
            case _:
                raise ValueError(f"column {column.name}: a parameter cannot be a {column.type}")
    return columns, faults


def _integers(parameters: Parameters, names: tuple[str, ...]) -> tuple[Any, pl.Series]:
    chosen = parameters.choose(names, parameters.valid["intValue"] | parameters.valid["value"])
    series = pl.Series(pc.coalesce(_take(parameters.slots["intValue"], chosen), _take(parameters.slots["value"], chosen)), dtype=pl.String)
    numbers = series.cast(pl.Int64, strict=False)
    return numbers.to_arrow(), numbers.is_null() & series.is_not_null()


def _texts(parameters: Parameters, names: tuple[str, ...]) -> Any:
    """A list parameter; the documentation calls some of them plain strings, so a single value is a list of one."""
    chosen = parameters.choose(names, parameters.valid["value"] | parameters.valid["multiValue"])
    several = _take(parameters.slots["multiValue"], chosen)
    one = pl.Series(_take(parameters.slots["value"], chosen), dtype=pl.String)
    if one.null_count() == len(one):
        return several
    many = pl.Series(several, dtype=pl.List(pl.String))
    return (
        pl.select(pl.when(many.is_null() & one.is_not_null()).then(pl.concat_list(one)).otherwise(many))
        .to_series()
        .to_arrow()
        .cast(pa.list_(pa.string()))
    )


def _scope_data(parameters: Parameters, names: tuple[str, ...], wanted: Any) -> Any:
    chosen = parameters.choose(names, parameters.valid["multiMessageValue"])
    taken = _take(parameters.slots["multiMessageValue"], chosen)
    messages = taken.flatten()
    inner = pc.struct_field(messages, "parameter")
    parts = inner.flatten()
    owner = pc.list_parent_indices(inner).to_numpy()
    names_of_parts = pc.struct_field(parts, "name").to_numpy(zero_copy_only=False)
    texts, several = pc.struct_field(parts, "value"), pc.struct_field(parts, "multiValue")
    scope = _first_of(names_of_parts == _SCOPE_PARTS[0], owner, len(messages), _valid(texts))
    bucket = _first_of(names_of_parts == _SCOPE_PARTS[1], owner, len(messages), _valid(several))
    single = _filled((_valid(pc.struct_field(parts, slot)) for slot in _SIMPLE), len(parts)) == 1
    _leave_unusual(parameters, chosen, taken, messages, owner, single, (scope, bucket))
    structs = pa.StructArray.from_arrays([_take(texts, scope), _take(several, bucket)], fields=list(wanted.value_type))
    lengths = pc.fill_null(pc.list_value_length(taken), 0).to_numpy()
    offsets = pa.array(np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)]))
    return pa.ListArray.from_arrays(offsets, structs, type=wanted, mask=pc.is_null(taken))


def _first_of(named: Any, owner: Index, messages: int, there: Mask) -> Index:
    place = np.full(messages, -1, np.int64)
    at = np.flatnonzero(named.astype(bool) & there)[::-1]
    place[owner[at]] = at
    return place


def _leave_unusual(parameters: Parameters, chosen: Index, taken: Any, messages: Any, owner: Index, single: Mask, used: tuple[Index, Index]) -> None:
    """A scope_data that says more than scope and buckets is not claimed: it is kept in `_extra` as well."""
    told = np.zeros(len(single), bool)
    for place in used:
        told[place[place >= 0]] = True
    told &= single
    if told.all() and _valid(messages).all():
        return
    event_of_message = pc.list_parent_indices(taken).to_numpy()
    odd = np.concatenate([event_of_message[owner[~told]], event_of_message[~_valid(messages)]]).astype(np.int64)
    parameters.claimed[chosen[odd]] = False
