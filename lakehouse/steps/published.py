"""A published version of the marts, opened beside the clean files that it was built from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.contracts.sql import sql_text
from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError, LakeFormatError
from lakehouse.marts.publish import version_file
from lakehouse.marts.records import VersionRecord
from lakehouse.settings import Lake

if TYPE_CHECKING:
    import duckdb


@contextlib.contextmanager
def open_published(lake: Lake, dataset: Dataset, version: VersionRecord) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB session in UTC with `marts.<mart>` (read-only) and `clean`, the rows of exactly the files that the version was built from.

    See `add_quarantine` for what was refused.

    Raises `ConfigurationError` when the version's own file or a clean file of it is gone: the version is superseded.
    `LakeFormatError` when one is damaged.
    """
    import duckdb

    from lakehouse.tables.views import file_view

    file = version_file(lake, version)
    gone = [path for path in version.files if not lake.store.exists(path)]
    if file is None or gone:
        raise _superseded(dataset, version, gone[0] if gone else version.file)
    with duckdb.connect(":memory:") as con:
        con.execute("SET TimeZone = 'UTC'")
        attach_published(con, file, "marts", dataset)
        # The contract may have gained a column since the version was built.
        file_view(con, "clean", [lake.store.uri(path) for path in version.files], dataset.contract.table_columns, fill=True)
        yield con


def attach_published(con: duckdb.DuckDBPyConnection, file: Path, name: str, dataset: Dataset) -> None:
    """Attach a file of published marts by that name, read-only. Raises `LakeFormatError` when it is gone or damaged."""
    import duckdb

    try:
        con.execute(f"ATTACH {sql_text(str(file))} AS {name} (READ_ONLY)")
    except duckdb.Error as error:
        remedy = "move it away, then publish" if file.exists() else "publish"
        raise LakeFormatError(
            f"{file}, a published file of the marts of {dataset.name}, cannot be read: {str(error).splitlines()[0]} "
            f"To have it made anew, {remedy} the marts again: lakehouse replay with any day, or materialize one of them."
        ) from error


def add_quarantine(con: duckdb.DuckDBPyConnection, lake: Lake, dataset: Dataset, version: VersionRecord) -> None:
    """Add the view `quarantine` to such a session: what the builds of the version's days put aside, refused and held.

    Raises `ConfigurationError` when a file of it is gone, and `LakeFormatError` when the record of a build is.
    """
    from lakehouse.contracts.quarantine import QUARANTINE
    from lakehouse.tables.builds import accounts_of, read_build
    from lakehouse.tables.views import file_view

    builds = [read_build(lake, dataset.name, day, built.fingerprint) for day, built in version.days.items()]
    files = [account.quarantine.path for account in accounts_of(lake, builds).values() if account.quarantine is not None]
    for path in files:
        if not lake.store.exists(path):
            raise _superseded(dataset, version, path)
    file_view(con, "quarantine", [lake.store.uri(path) for path in files], QUARANTINE)


def _superseded(dataset: Dataset, version: VersionRecord, missing: str) -> ConfigurationError:
    return ConfigurationError(
        f"Version {version.number} of the marts of {dataset.name} is superseded: {missing} is gone. Publish the marts again, then ask again."
    )
