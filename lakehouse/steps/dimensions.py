"""Dimensions of a dataset brought up to date with the files that tell them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lakehouse.datasets.model import Dimension
from lakehouse.engines.kernel.dimension import DUPLICATE, dimension_rows
from lakehouse.errors import ConflictError
from lakehouse.landing.manifest import SourceFile
from lakehouse.settings import Lake
from lakehouse.sources.files import FileReader, FoundFile
from lakehouse.tables.dimensions import (
    DimensionBooks,
    DimensionVersion,
    current_dimension,
    damaged_tables,
    digest_of,
    folder,
    read_raw,
    store_raw,
    write_version,
)

_TRIES = 5


def add_files(lake: Lake, dataset: str, dimension: Dimension, files: Sequence[SourceFile]) -> tuple[DimensionVersion | None, bool]:
    """Make the version that has these files beside those of the current one (a file of the same name takes the older one's place).

    Their records must be stored. Returns the version that is current then, None where there are no files at all, and whether it was made here: also
    where the current one has the same files, and a table of it is damaged or gone.
    Whatever the order and the groups that files come in, the rows are the same. Raises `ConflictError` when others made versions first too often.
    """
    key = lake.token_key()
    for _ in range(_TRIES):
        before = current_dimension(lake, dataset, dimension.name)
        named = {f.name: f for f in (*(before.files if before else ()), *files)}
        every = tuple(named[name] for name in sorted(named))
        digest = digest_of(dataset, dimension, every, key)
        same = before if before is not None and before.digest == digest else None
        if not every or (same is not None and not damaged_tables(lake, same)):
            return before, False
        made = dimension_rows((r for f in every for r in read_raw(lake, dataset, dimension.name, f)), dimension, key)
        rules = Counter(made.aside["rule"].to_list())
        duplicate = rules.pop(DUPLICATE, 0)
        kept, refused = made.rows.height, sum(rules.values())
        number = before.number + 1 if before else 1
        where = f"{folder(dataset, dimension.name)}/{digest}{f'-{number}' if same is not None else ''}"  # what is damaged stays where it is
        version = DimensionVersion(
            dataset=dataset,
            dimension=dimension.name,
            number=number,
            digest=digest,
            files=every,
            books=DimensionBooks(kept + duplicate + refused, kept, duplicate, refused, made.conflicts),
            rules=dict(sorted(rules.items())),
            table=f"{where}.parquet",
            aside=f"{where}.aside.parquet" if made.aside.height else "",
        )
        if write_version(lake, version, made.rows, made.aside):
            return version, True
    raise ConflictError(f"The dimension {dimension.name} of {dataset}: others made versions first {_TRIES} times in a row. Ingest again.")


def store_file(lake: Lake, dataset: str, dimension: Dimension, file: FoundFile) -> SourceFile:
    """Keep the records of a file. Errors are those of `sources.files.FileReader`: nothing is kept then."""
    reader = FileReader(file, dimension)
    lines = [line for batch in reader for line in batch.text.split(b"\n")[:-1]]
    store_raw(lake, dataset, dimension.name, reader.sha256, lines)
    return SourceFile(file.name, file.url, reader.sha256, file.size, file.modified)
