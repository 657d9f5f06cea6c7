"""What an inferring reader found beside the declared schema: which fields, in which records, and the declared part alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.contracts.model import JsonField, JsonList, JsonObject, JsonType
from lakehouse.contracts.types import json_arrow_type, whole

Rows = npt.NDArray[np.int64]


def unknown_fields(table: pa.Table, record: JsonObject) -> tuple[dict[str, Any], Rows]:
    """The tree of names that lead to unknown fields, in their order, and the sorted indices of the records that hold one that is not null."""
    tree: dict[str, Any] = {}
    found: list[Rows] = []
    rows = np.arange(table.num_rows, dtype=np.int64)
    for name in table.column_names:
        _look(whole(table[name]), record.field(name), name, rows, tree, found)
    return _sorted(tree), np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def _sorted(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: _sorted(below) if below else below for name, below in sorted(tree.items())}


def _look(values: Any, field: JsonField | None, name: str, rows: Rows, tree: dict[str, Any], found: list[Rows]) -> None:
    if field is None:
        there = rows[_valid(values)]
        if len(there):
            found.append(there)
            tree[name] = None
        return
    below: dict[str, Any] = {}
    _look_inside(values, field.type, rows, below, found)
    if below:
        tree[name] = below


def _look_inside(values: Any, kind: JsonType, rows: Rows, tree: dict[str, Any], found: list[Rows]) -> None:
    if isinstance(kind, JsonList) and pa.types.is_list(values.type):
        if not _names_more(values.type, kind):
            return
        parents = pc.list_parent_indices(values).to_numpy()
        _look_inside(values.flatten(), kind.item, rows[parents], tree, found)
    elif isinstance(kind, JsonObject) and pa.types.is_struct(values.type):
        if not _names_more(values.type, kind):
            return
        for index in range(values.type.num_fields):
            name = values.type.field(index).name
            _look(pc.struct_field(values, [index]), kind.field(name), name, rows, tree, found)


def _names_more(found: pa.DataType, kind: JsonType) -> bool:
    """Whether a type has fields that are not declared, at any depth."""
    if isinstance(kind, JsonList) and pa.types.is_list(found):
        return _names_more(found.value_type, kind.item)
    if isinstance(kind, JsonObject) and pa.types.is_struct(found):
        fields = [(kind.field(found.field(i).name), found.field(i).type) for i in range(found.num_fields)]
        return any(field is None or _names_more(below, field.type) for field, below in fields)
    return False


def _differs(found: pa.DataType, kind: JsonType) -> bool:
    return found != json_arrow_type(kind)


def _valid(values: Any) -> npt.NDArray[np.bool_]:
    valid: npt.NDArray[np.bool_] = values.is_valid().to_numpy(zero_copy_only=False)
    return valid


def declared_part(table: pa.Table, record: JsonObject) -> pa.Table:
    """The declared fields alone, in the declared order; those that are not there are null."""
    there = set(table.column_names)
    arrays = [_narrow(whole(table[f.name]), f.type) if f.name in there else _nulls(table.num_rows, f.type) for f in record.fields]
    return pa.table(arrays, schema=pa.schema([(f.name, json_arrow_type(f.type)) for f in record.fields]))


def _nulls(count: int, kind: JsonType) -> Any:
    absent: Any = json_arrow_type(kind)
    return pa.nulls(count, absent)


def _narrow(values: Any, kind: JsonType) -> Any:
    if not _differs(values.type, kind):
        return values
    if isinstance(kind, JsonList):
        values = values if values.offset == 0 else pa.concat_arrays([values])  # a mask goes with unsliced offsets only
        items = _narrow(values.values, kind.item)
        mask = pc.is_null(values) if values.null_count else None
        return pa.ListArray.from_arrays(values.offsets, items, type=pa.list_(items.type), mask=mask)
    if isinstance(kind, JsonObject):
        places = [values.type.get_field_index(f.name) for f in kind.fields]
        found = values.flatten()
        fields = [_narrow(found[place], f.type) if place >= 0 else _nulls(len(values), f.type) for place, f in zip(places, kind.fields, strict=True)]
        names = [f.name for f in kind.fields]
        mask = pc.is_null(values) if values.null_count else None
        return pa.StructArray.from_arrays(fields, names=names, mask=mask)
    return values


def has_infinite(table: pa.Table) -> bool:
    """Whether a number is not finite: the reader takes NaN and Infinity, which are no JSON."""
    return any(_infinite(whole(table[f.name])) for f in table.schema if _may_hold_floats(f.type))


def _infinite(values: Any) -> bool:
    kind = values.type
    if pa.types.is_floating(kind):
        return not bool(pc.all(pc.is_finite(values), min_count=0).as_py())
    if pa.types.is_list(kind):
        return _infinite(values.flatten()) if _may_hold_floats(kind) else False
    if pa.types.is_struct(kind):
        return any(_infinite(pc.struct_field(values, [i])) for i in range(kind.num_fields) if _may_hold_floats(kind.field(i).type))
    return False


def _may_hold_floats(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return _may_hold_floats(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_may_hold_floats(kind.field(i).type) for i in range(kind.num_fields))
    return pa.types.is_floating(kind)


def missing_required(table: pa.Table, record: JsonObject) -> dict[int, str]:
    """Records in which a required field is missing or null: record -> path of the first one, in declared order."""
    missing: dict[int, str] = {}
    columns = {f.name: whole(table[f.name]) for f in record.fields}
    if not any(_lacks(columns[f.name], f) for f in record.fields):
        return missing
    rows = np.arange(table.num_rows, dtype=np.int64)
    for field in record.fields:
        _miss(columns[field.name], field, field.name, rows, missing)
    return missing


def _lacks(values: Any, field: JsonField) -> bool:
    """Whether a required field may be missing somewhere: by counts alone, and True when in doubt."""
    return (field.required and values.null_count > 0) or _lacks_inside(values, field.type)


def _lacks_inside(values: Any, kind: JsonType) -> bool:
    if not _requires(kind):
        return False
    if isinstance(kind, JsonList):
        items = values.flatten()
        return items.null_count > 0 or _lacks_inside(items, kind.item)
    return isinstance(kind, JsonObject) and any(map(_lacks, values.flatten(), kind.fields))


def _miss(values: Any, field: JsonField, path: str, rows: Rows, missing: dict[int, str]) -> None:
    valid = _valid(values)
    if field.required and not valid.all():
        for row in np.unique(rows[~valid]):
            missing.setdefault(int(row), path)
    _miss_inside(values, field.type, path, rows, missing)


def _miss_inside(values: Any, kind: JsonType, path: str, rows: Rows, missing: dict[int, str]) -> None:
    if isinstance(kind, JsonList):
        if _requires(kind.item):
            parents = pc.list_parent_indices(values).to_numpy()
            _miss_items(values.flatten(), kind.item, f"{path}[]", rows[parents], missing)
    elif isinstance(kind, JsonObject) and _requires(kind):
        valid = _valid(values)
        there = values if valid.all() else values.filter(pa.array(valid))
        for index, field in enumerate(kind.fields):
            _miss(pc.struct_field(there, [index]), field, f"{path}.{field.name}", rows[valid], missing)


def _miss_items(items: Any, kind: JsonType, path: str, rows: Rows, missing: dict[int, str]) -> None:
    first = next((f.name for f in kind.fields if f.required), None) if isinstance(kind, JsonObject) else None
    if first is not None:
        for row in np.unique(rows[~_valid(items)]):
            missing.setdefault(int(row), f"{path}.{first}")
    _miss_inside(items, kind, path, rows, missing)


def _requires(kind: JsonType) -> bool:
    if isinstance(kind, JsonObject):
        return any(f.required or _requires(f.type) for f in kind.fields)
    return isinstance(kind, JsonList) and _requires(kind.item)
