"""Writing Dagster's history in SQLite at less cost. What Dagster calls private of its storage is all here; a test watches it.

Dagster opens a database anew for every event, in each of the two that tell of an asset, and closing it writes the log of changes back to the
file: some 8 ms of CPU and several fsyncs an event. A command writes hundreds of events of its own runs, so it keeps its connections.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    import sqlalchemy
    from dagster._core.storage.event_log import SqliteEventLogStorage


@contextlib.contextmanager
def kept_open(instance: dg.DagsterInstance) -> Iterator[None]:
    """While the block runs, this instance keeps each database of events open that it has used; nothing where its events are not in SQLite.

    Other processes read and write the same databases meanwhile. A commit is not synced by itself: a killed process loses nothing, a power cut may
    lose the last events, never what they tell of.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    kept = _Kept(storage)
    storage._connect = kept.connect  # type: ignore[method-assign]
    try:
        yield
    finally:
        del storage._connect
        kept.close()


class _Kept:
    """One connection for each database, used by one thread at a time, under the lock that the storage has for it."""

    def __init__(self, storage: SqliteEventLogStorage) -> None:
        self._storage = storage
        self._open_anew = storage._connect
        self._lock = storage._db_lock
        self._engines: dict[str, sqlalchemy.Engine] = {}

    @contextlib.contextmanager
    def connect(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        """A transaction in the database of a run, or in that of all runs."""
        if shard not in self._engines:
            with self._open_anew(shard):  # makes its tables
                pass
        with self._lock:
            engine = self._engines.get(shard)
            if engine is None:
                engine = self._engines[shard] = self._engine(shard)
            with engine.begin() as connection:
                yield connection

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def _engine(self, shard: str) -> sqlalchemy.Engine:
        import sqlalchemy
        from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
        from sqlalchemy.pool import StaticPool

        told = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
        engine = sqlalchemy.create_engine(self._storage.conn_string_for_shard(shard), poolclass=StaticPool, connect_args=told)
        sqlalchemy.event.listen(engine, "connect", _not_synced_at_each_commit)
        return engine


def _not_synced_at_each_commit(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
