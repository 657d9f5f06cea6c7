"""Dimensions: what the marts of a dataset know beside its events, in versions.

    dimensions/<dataset>/<name>/raw/<sha256 of a file>.jsonl.zst    the records of a file as they were read, blank lines too
    dimensions/<dataset>/<name>/<digest>.parquet                    the rows of a version; <digest>-<number> where they had to be made anew
    dimensions/<dataset>/<name>/<digest>.aside.parquet              its refused and duplicate records: file, line, rule, never their text
    dimensions/<dataset>/<name>/_versions/00000001.json             its account, taken by create; the highest is current

A version is a pure function of the files that it is made of: its digest names them and the declaration. A file that is read again under the same name
takes the place of the older one; one that is gone from the inbox stays.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import polars as pl
import zstandard

from lakehouse.contracts.types import type_name
from lakehouse.datasets.model import Dataset, Dimension
from lakehouse.errors import LakeFormatError
from lakehouse.landing.manifest import SourceFile
from lakehouse.settings import Lake, TokenKey
from lakehouse.storage.failpoints import fail_point
from lakehouse.storage.record import decode_record
from lakehouse.tables.committed import DamagedFileError, naming_damage, refuse_damaged
from lakehouse.tables.views import file_view

if TYPE_CHECKING:
    import duckdb

VERSION_FORMAT = 1


class DimensionBooks(msgspec.Struct, frozen=True):
    """What became of the records: `read` is the sum of the others. `conflicts`: duplicates that say something else than the row that won."""

    read: int
    kept: int
    duplicate: int
    refused: int
    conflicts: int = 0

    def difference(self) -> int:
        """What is missing (positive) or too much (negative); 0 when the books close."""
        return self.read - self.kept - self.duplicate - self.refused


class DimensionVersion(msgspec.Struct, frozen=True):
    """The account of one version.

    `files`: what it is made of, by name. `rules`: rule -> refused records. `table`, `aside`: paths below the lake, `aside` empty where nothing is.
    """

    dataset: str
    dimension: str
    number: int
    digest: str
    files: tuple[SourceFile, ...]
    books: DimensionBooks
    rules: dict[str, int]
    table: str
    aside: str
    format: int = VERSION_FORMAT


def folder(dataset: str, dimension: str) -> str:
    """Where a dimension is, relative to the lake."""
    return f"dimensions/{dataset}/{dimension}"


def raw_path(dataset: str, dimension: str, sha256: str) -> str:
    """Where the records of a file are kept, relative to the lake."""
    return f"{folder(dataset, dimension)}/raw/{sha256}.jsonl.zst"


def store_raw(lake: Lake, dataset: str, dimension: str, sha256: str, lines: Sequence[bytes]) -> None:
    """Keep the records of a file, verbatim, one per line. What is there already stays: the name is the hash of the file."""
    path = raw_path(dataset, dimension, sha256)
    if lake.store.create(path, zstandard.ZstdCompressor(level=3, write_checksum=True).compress(b"".join(line + b"\n" for line in lines))):
        lake.store.sync([path])


def read_raw(lake: Lake, dataset: str, dimension: str, file: SourceFile) -> Iterator[tuple[str, int, bytes]]:
    """(name of the file, number of the record from 1, its line) of every record that is not blank. `LakeFormatError` for a damaged file."""
    path = raw_path(dataset, dimension, file.sha256)
    try:
        text = zstandard.ZstdDecompressor().decompress(lake.store.read(path))
    except (FileNotFoundError, zstandard.ZstdError) as error:
        where = lake.store.uri(path)
        raise LakeFormatError(
            f"{where}, the records of {file.name}, cannot be read: {error}. Restore it, or move it away and ingest the file again."
        ) from error
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        if line.strip():
            yield file.name, number, line


def kept_files(lake: Lake, dataset: str, dimension: str) -> frozenset[str]:
    """The hashes of the files whose records are kept."""
    return frozenset(name.partition(".")[0] for name in lake.store.files(f"{folder(dataset, dimension)}/raw"))


def digest_of(dataset: str, dimension: Dimension, files: Sequence[SourceFile], key: TokenKey) -> str:
    """32 hex digits that change when anything changes that a version depends on."""
    personal = key.id if any(c.pii is not None for c in dimension.columns) else None
    columns = [
        (c.name, type_name(c.type), c.path, c.nullable, c.pii, c.allowed, c.open_vocabulary, c.minimum, c.maximum, c.pattern)
        for c in dimension.columns
    ]
    declared = (dimension.name, dimension.version, dimension.key, dimension.version_column, dimension.valid_from, columns)
    facts = [dataset, declared, sorted((f.name, f.sha256) for f in files), personal]
    return hashlib.blake2b(msgspec.json.encode(facts), digest_size=16).hexdigest()


def current_dimension(lake: Lake, dataset: str, dimension: str) -> DimensionVersion | None:
    """The newest version; None where there is none yet. `LakeFormatError` for an account that is damaged or of a newer format."""
    names = [n for n in lake.store.files(f"{folder(dataset, dimension)}/_versions") if n.endswith(".json")]
    if not names:
        return None
    path = f"{folder(dataset, dimension)}/_versions/{max(names)}"
    remedy = "Move it away: the version before it takes its place."
    return decode_record(lake.store.read(path), DimensionVersion, where=lake.store.uri(path), known=VERSION_FORMAT, remedy=remedy)


def current_dimensions(lake: Lake, dataset: Dataset) -> dict[str, DimensionVersion]:
    """The newest version of every dimension of a dataset that has any."""
    found = {d.name: current_dimension(lake, dataset.name, d.name) for d in dataset.dimensions}
    return {name: version for name, version in found.items() if version is not None}


def write_version(lake: Lake, version: DimensionVersion, rows: pl.DataFrame, aside: pl.DataFrame) -> bool:
    """Write the tables of a version and, last, its account. False where another version took the number first."""
    for path, frame in ((version.table, rows), (version.aside, aside)):
        if path:
            buffer = io.BytesIO()
            frame.write_parquet(buffer, compression="zstd")
            if lake.store.create(path, buffer.getvalue()):
                lake.store.sync([path])
    fail_point("dimension.before_version")
    account = f"{folder(version.dataset, version.dimension)}/_versions/{version.number:08d}.json"
    if not lake.store.create(account, msgspec.json.encode(version)):
        return False
    lake.store.sync([account])
    return True


def damaged_tables(lake: Lake, version: DimensionVersion) -> list[DamagedFileError]:
    """What is wrong with the tables of a version. They are small, and read whole."""
    found = []
    for file in (lake.store.uri(path) for path in (version.table, version.aside) if path):
        try:
            refuse_damaged([file])
            with naming_damage([file]):
                pl.read_parquet(file, glob=False, hive_partitioning=False)
        except DamagedFileError as error:
            found.append(error)
    return found


def register_dimensions(con: duckdb.DuckDBPyConnection, lake: Lake, dataset: Dataset, schema: str, versions: Mapping[str, DimensionVersion]) -> None:
    """Create `<schema>.<dimension>`, a view over the rows of these versions, for every dimension; empty, with its columns, where there is none.

    Raises `LakeFormatError` for a table that is gone or damaged.
    """
    for dimension in dataset.dimensions:
        version = versions.get(dimension.name)
        files = [lake.store.uri(version.table)] if version is not None else []
        # A version stays as it was declared until the next one is made: it may lack a column.
        file_view(con, f'"{schema}"."{dimension.name}"', files, dimension.table_columns, fill=True)
