"""Where Dagster keeps its history: `DAGSTER_HOME`, or `.dagster` in the lake, with the settings that are shipped in `deploy/dagster.yaml`."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from lakehouse.defs.history import kept_open
from lakehouse.defs.lost import settle_lost_runs
from lakehouse.errors import ConfigurationError, LakehouseError, TerminalError, TransientError
from lakehouse.settings import Lake, project_root

ENV_HOME = "DAGSTER_HOME"
_SETTINGS = "dagster.yaml"
_SQLITE = b"SQLite format 3\0"
_NO_DATABASE = ("file is not a database", "disk image is malformed")


def dagster_home(lake: Lake) -> Path:
    """The folder of Dagster's history, ready to use: made when missing, with the shipped settings unless it has its own.

    Raises `ConfigurationError` for a lake that is not on a local disk when `DAGSTER_HOME` is not set.
    """
    given = os.environ.get(ENV_HOME)
    if not given and lake.store.root is None:
        raise ConfigurationError(
            f"{ENV_HOME} is not set, and {lake.url} is no local folder that could hold Dagster's history. Set it to a local folder."
        )
    home = Path(given).expanduser().resolve() if given else Path(str(lake.store.root)) / ".dagster"
    shipped = (project_root() / "deploy" / _SETTINGS).read_text(encoding="utf-8")
    aside = home / f"{_SETTINGS}.{os.getpid()}.tmp"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not (home / _SETTINGS).exists():
            aside.write_text(shipped, encoding="utf-8")  # whole or not at all: half of them would be other settings
            aside.replace(home / _SETTINGS)
    except OSError as error:
        with contextlib.suppress(OSError):  # what is wrong with the folder is told below, and a leftover there is harmless
            aside.unlink()
        raise _unusable(home, error) from error
    return home


def _unusable(home: Path, error: Exception) -> LakehouseError:
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    told = f"Dagster's history in {home} cannot be used: {reason}."
    if "locked" in reason:
        return TransientError(f"{told} Another process writes to it: try again.")
    return TerminalError(f"{told} Look at free space and at the rights of the folder, or set {ENV_HOME} to another one.")


def _damaged(home: Path) -> LakehouseError:
    broken = [str(path) for path in sorted(home.rglob("*.db")) if path.stat().st_size and path.read_bytes()[: len(_SQLITE)] != _SQLITE]
    return TerminalError(
        f"Dagster's history in {home} is damaged: {', '.join(broken) or 'a database of it'} is no SQLite database. Restore the folder "
        "from a backup, or move it away: the history of runs starts anew, and no data of the lake is lost."
    )


@contextlib.contextmanager
def open_instance(lake: Lake) -> Iterator[dg.DagsterInstance]:
    """Dagster's history of this lake. What commands landed that were killed is told first, and their runs are closed, so that they hold no pool.

    Raises `TerminalError` when the history cannot be written (rights, full disk), `TransientError` while another process has it locked.
    """
    import yaml  # type: ignore[import-untyped]
    from sqlalchemy.exc import DatabaseError, OperationalError

    home = dagster_home(lake)
    try:
        with dg.DagsterInstance.from_config(str(home)) as instance, kept_open(instance):
            settle_lost_runs(lake, instance)
            yield instance
    except (OperationalError, sqlite3.OperationalError) as error:
        raise _unusable(home, error) from error
    except (DatabaseError, sqlite3.DatabaseError) as error:
        if not any(words in str(error) for words in _NO_DATABASE):
            raise
        raise _damaged(home) from error
    except (yaml.YAMLError, dg.DagsterInvalidConfigError) as error:
        raise TerminalError(
            f"{home / _SETTINGS} cannot be used as the settings of Dagster: {str(error).splitlines()[0]}. Mend it, or move it away: the next command "
            "puts the shipped ones there."
        ) from error
