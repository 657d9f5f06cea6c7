"""The folders that builds work in, `marts/<dataset>/.build/<id>`, and where all builds of a lake keep the parsed dbt project."""

from __future__ import annotations

import importlib.metadata
import shutil
import time
from pathlib import Path

from lakehouse.marts.plan import project_digest
from lakehouse.marts.publish import local_root
from lakehouse.settings import Lake

FAILED = "failed"  # marks the folder of a refused build: kept for a look until the next build
SOFTWARE = ("dbt-core", "dbt-duckdb", "duckdb")
_LEFT_FOR = 24 * 3600  # seconds after which the folder of a build that never ended is cleared


def parsed_project(lake: Lake) -> Path:
    """Where the parsed dbt project is kept, for the marts of all datasets: parsing takes longer than building. Others are removed."""
    name = "-".join([project_digest(), *(importlib.metadata.version(package) for package in SOFTWARE)])
    folder = local_root(lake) / "marts" / ".parsed"
    for old in folder.iterdir() if folder.is_dir() else ():
        if not old.name.startswith(name):
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    return folder / f"{name}.msgpack"


def clear_folders(builds: Path) -> None:
    """Remove the folders of refused builds, and of builds that never ended."""
    if not builds.is_dir():
        return
    for folder in builds.iterdir():
        try:
            left = (folder / FAILED).exists() or time.time() - folder.stat().st_mtime > _LEFT_FOR
        except FileNotFoundError:  # another build of the dataset ended, or cleared it first
            continue
        if left:
            shutil.rmtree(folder, ignore_errors=True)
