"""All that a commit of the clean table names, or that it is explained by, is on the disk before the commit is."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from build_lakes import DAY, BuildLake, event
from deltalake import DeltaTable

from lakehouse.storage import Store, store
from lakehouse.tables.builds import build_folder
from lakehouse.tables.grains import account_path

COMMIT = ("commit", "")


def test_files_quarantine_accounts_and_the_build_record_are_synced_before_the_commit(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str]] = []
    create, replace, fsync, commit = Store.create, Store.replace, store._fsync, DeltaTable.create_write_transaction

    def creating(self: Store, path: str, data: bytes) -> bool:
        done.append(("write", path))
        return create(self, path, data)

    def replacing(self: Store, path: str, data: bytes) -> None:
        done.append(("write", path))
        replace(self, path, data)

    def syncing(path: Any) -> None:
        fsync(path)
        done.append(("sync", path.relative_to(made.folder).as_posix()))

    def committing(self: DeltaTable, *args: Any, **more: Any) -> Any:
        done.append(COMMIT)
        return commit(self, *args, **more)

    monkeypatch.setattr(Store, "create", creating)
    monkeypatch.setattr(Store, "replace", replacing)
    monkeypatch.setattr(store, "_fsync", syncing)
    monkeypatch.setattr(DeltaTable, "create_write_transaction", committing)
    made.land(event(1, 1), event(1, 2, events="x"), event(2, 3))
    report = made.build()
    assert done.count(COMMIT) == 1
    files = [file.path for account in report.accounts.values() for file in (*account.files, account.quarantine) if file is not None]
    accounts = [account_path(made.dataset.name, ref) for ref in report.build.grains]
    record = f"{build_folder(made.dataset.name)}/{DAY}/{report.build.fingerprint}.json"
    assert (len(files), len(accounts)) == (3, 2)
    for path in (*files, *accounts, record):
        written, committed = done.index(("write", path)), done.index(COMMIT)
        for needed in (path, str(PurePosixPath(path).parent)):
            assert ("sync", needed) in done[written:committed], f"{needed} is not synced between its writing and the commit"
