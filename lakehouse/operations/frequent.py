"""The frequent values of a day of clean, counted in the files that were just built: of these columns alone, read once, a batch at a time."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.datasets.model import Dataset
from lakehouse.operations.report import Top, shown, top_columns
from lakehouse.settings import Lake
from lakehouse.tables.records import TableFile

SHOWN = 5
_BATCH = 1 << 16  # rows


def frequent_values(lake: Lake, dataset: Dataset, files: Iterable[TableFile]) -> tuple[Top, ...]:
    """The `SHOWN` most frequent values of each column that the dataset names; those without any value are left out.

    Columns of personal data are never read, not even where a report shows their tokens: a page of an asset is seen by more people.
    """
    columns = {c.name: c for c in dataset.contract.columns if c.pii is None}
    wanted = [name for name in top_columns(dataset) if name in columns]
    counts: dict[str, Counter[str]] = {name: Counter() for name in wanted}
    rows = 0
    for batch in _batches(lake, wanted, files):
        rows += batch.num_rows
        for name in set(wanted) & set(batch.schema.names):  # files of an older contract may lack one
            told = pc.value_counts(batch.column(name))
            pairs = zip(told.field("values").to_pylist(), told.field("counts").to_pylist(), strict=True)
            counts[name].update({value: n for value, n in pairs if value is not None})
    return tuple(_top(name, columns[name].description, found, rows) for name, found in counts.items() if found)


def _batches(lake: Lake, columns: list[str], files: Iterable[TableFile]) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    for file in files if columns else ():
        local = lake.store.root
        where = local / file.path if local is not None else io.BytesIO(lake.store.read(file.path))
        with pq.ParquetFile(where, read_dictionary=columns) as opened:
            yield from opened.iter_batches(_BATCH, columns=[name for name in columns if name in opened.schema_arrow.names])


def _top(column: str, meaning: str, found: Counter[str], rows: int) -> Top:
    first = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    return Top(column, meaning, tuple((shown(value), n) for value, n in first), len(found), rows - found.total())
