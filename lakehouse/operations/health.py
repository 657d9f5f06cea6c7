"""Is this lake fit to be worked with? Facts about versions, settings, keys, space and orphans, each with what to do. Reads only."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from lakehouse.datasets.registry import all_datasets
from lakehouse.errors import ConfigurationError
from lakehouse.findings import Finding, State
from lakehouse.settings import DEVELOPMENT_KEY, ENV_TOKEN_KEY, LAKE_FORMAT, SETTINGS_FILE, Lake, is_production

LIBRARIES = ("lakehouse", "dagster", "dbt-core", "dbt-duckdb", "deltalake", "duckdb", "obstore", "pandera", "polars", "pyarrow")
_SET_KEY = f"for real data set {ENV_TOKEN_KEY} (openssl rand -hex 32) before the first build"
LOW_SPACE, NO_SPACE = 5 << 30, 1 << 30


def findings(lake: Lake) -> Iterator[Finding]:
    """What can be said about the machine and the lake without touching data."""
    yield Finding("python", "good", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    yield _libraries()
    yield Finding("lake", "good", f"{lake.url}, format {lake.settings.format} (this software writes {LAKE_FORMAT})")
    yield from _settings(lake)
    yield _writable(lake)
    yield _clock(lake)
    yield _token_key(lake)
    yield from _space(lake)


def _libraries() -> Finding:
    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("libraries", "bad", f"not installed: {', '.join(missing)}", f"install them for {sys.executable}: uv sync")
    return Finding("libraries", "good", ", ".join(found))


def _settings(lake: Lake) -> Iterator[Finding]:
    """Settings that nothing reads, for their dataset is misspelt or gone."""
    names = [dataset.name for dataset in all_datasets()]
    if unknown := sorted(set(lake.settings.datasets) - set(names)):
        told = f"{SETTINGS_FILE} has some of datasets that there are not: {', '.join(unknown)}"
        yield Finding("settings", "note", told, f"mend the name: one of {', '.join(names)}")


def _writable(lake: Lake) -> Finding:
    if lake.store.root is None or os.access(lake.store.root, os.W_OK):
        return Finding(
            "rights", "good", "the lake's folder may be written" if lake.store.root is not None else "by the credentials of the environment"
        )
    return Finding("rights", "bad", f"{lake.store.root} may not be written by this user", "give the rights, or name another lake with --lake")


def _clock(lake: Lake) -> Finding:
    if lake.settings.clock is None:
        return Finding("clock", "good", f"the system's: {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC")
    remedy = "right for a demo or a replay; for live data set clock to null in lake.json"
    return Finding("clock", "note", f"fixed at {lake.now():%Y-%m-%d %H:%M:%S} UTC: nothing after that exists for this lake", remedy)


def _token_key(lake: Lake) -> Finding:
    try:
        if no_key_yet(lake):
            told = "none yet: the first build makes a development key beside the lake"
            return Finding("token key", "note", told, _SET_KEY)
        key = lake.token_key()
    except ConfigurationError as error:
        return Finding("token key", "bad", str(error))
    except OSError as error:
        return Finding("token key", "bad", f"cannot be read: {error}", f"look at the rights of the file, or set {ENV_TOKEN_KEY} to what it holds")
    if os.environ.get(ENV_TOKEN_KEY):
        return Finding("token key", "good", f"from {ENV_TOKEN_KEY}, id {key.id}")
    return Finding("token key", "note", f"development key beside the lake, id {key.id}", _SET_KEY)


def no_key_yet(lake: Lake) -> bool:
    """Whether asking for the token key would make one, which who only looks must not."""
    if os.environ.get(ENV_TOKEN_KEY) or is_production() or lake.store.root is None:
        return False
    return not (lake.store.root / DEVELOPMENT_KEY).exists()


def _space(lake: Lake) -> Iterator[Finding]:
    if lake.store.root is None:
        return
    usage = shutil.disk_usage(lake.store.root)
    state: State = "bad" if usage.free < NO_SPACE else "note" if usage.free < LOW_SPACE else "good"
    remedy = None if state == "good" else "free some space: a build writes beside what it replaces"
    yield Finding("disk", state, f"{usage.free / 2**30:,.1f} GB free of {usage.total / 2**30:,.1f} GB", remedy)
