"""Writing a new dataset into a checkout: all of it or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.scaffold.names import check_name

_TAIL = 3000  # characters of what a failed command said that an error repeats


def check_free(checkout: Path, name: str) -> None:
    """Raise `ConfigurationError` for a folder that is no checkout, and for a name that is taken in it."""
    check_name(name)
    marks = ("lakehouse/datasets/model.py", "dbt_project/dbt_project.yml", "lakehouse_tests")
    lost = [mark for mark in marks if not (checkout / mark).exists()]
    if lost:
        raise ConfigurationError(f"{checkout} is no checkout of the project: {', '.join(lost)} is not there. Name its folder with --into.")
    taken = [place for place in (*_folders(name), f"lakehouse/datasets/{name}.py", f"docs/{name}.md") if (checkout / place).exists()]
    marts = msgspec.json.decode((checkout / "dbt_project/marts.json").read_bytes())
    taken += [f"the mart {mart['name']} of {mart['dataset']}" for mart in marts if mart["name"] == f"{name}_daily"]
    if taken:
        raise ConfigurationError(f"The name {name!r} is taken: {', '.join(taken)}. Choose another one, or delete what is there.")


def write_dataset(checkout: Path, name: str, files: Mapping[str, str]) -> list[Path]:
    """Write the files of a dataset below a checkout, then what is derived from it (`lakehouse.marts.generate`). Returns the new files.

    Raises `ConfigurationError` where the name is taken, and `TerminalError` when what was written does not load: then nothing of it is left.
    """
    check_free(checkout, name)
    try:
        for path, text in files.items():
            target = checkout / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        _generate(checkout)
    except BaseException:
        _remove(checkout, name, files)
        raise
    return [checkout / path for path in (*files, f"dbt_project/models/{name}/sources.yml")]


def _generate(checkout: Path) -> None:
    path = os.pathsep.join([str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "lakehouse.marts.generate"],
        cwd=checkout, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise TerminalError(f"The new dataset does not load, so nothing of it was kept. Please report it. It said:\n{done.stderr[-_TAIL:]}")


def _folders(name: str) -> tuple[str, ...]:
    return f"lakehouse/datasets/{name}", f"dbt_project/models/{name}", f"lakehouse_tests/datasets/{name}"


def _remove(checkout: Path, name: str, files: Iterable[str]) -> None:
    for folder in _folders(name):
        shutil.rmtree(checkout / folder, ignore_errors=True)
    for path in files:
        (checkout / path).unlink(missing_ok=True)
