"""Writing a new dataset into a checkout: all of it or nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lakehouse.datasets.model import Feed
from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.scaffold.golden import GOLDEN
from lakehouse.scaffold.names import check_name
from lakehouse.scaffold.readme import with_row

_TAIL = 3000  # characters of what a failed command said that an error repeats
_SHARED = ("README.md", "dbt_project/marts.json", "lakehouse_tests/defs/cases/definitions.json")  # files of all datasets that a new one changes
_RECORDED = ("lakehouse_tests/defs/test_defs_load.py", "lakehouse_tests/engines/test_golden_rows.py")  # tests that compare with what they wrote down
_UPDATE = {"UPDATE_CASES": "1", "UPDATE_GOLDEN": "1"}


def check_free(checkout: Path, name: str) -> None:
    """Raise `ConfigurationError` for a folder that is no checkout, for a name that is taken in it, and where pytest is not installed."""
    check_name(name)
    marks = ("lakehouse/datasets/model.py", "dbt_project/dbt_project.yml", *_SHARED, *_RECORDED)
    lost = [mark for mark in marks if not (checkout / mark).exists()]
    if lost:
        raise ConfigurationError(f"{checkout} is no checkout of the project: {', '.join(lost)} is not there. Name its folder with --into.")
    if importlib.util.find_spec("pytest") is None:
        raise ConfigurationError("A new dataset is written with its tests, and pytest is not installed. Use `uv run`, or `uv sync` first.")
    taken = [place for place in (*_folders(name), f"lakehouse/datasets/{name}.py", f"docs/{name}.md") if (checkout / place).exists()]
    marts = msgspec.json.decode((checkout / "dbt_project/marts.json").read_bytes())
    taken += [f"the mart {mart['name']} of {mart['dataset']}" for mart in marts if mart["name"] == f"{name}_daily"]
    if taken:
        raise ConfigurationError(f"The name {name!r} is taken: {', '.join(taken)}. Choose another one, or delete what is there.")


def write_dataset(checkout: Path, name: str, files: Mapping[str, str], feeds: Sequence[Feed]) -> tuple[list[str], list[str]]:
    """Write the files of a dataset below a checkout, its row in the README, what is derived from it, and what the tests write down of it.

    Returns the paths of the new files and of those that were changed. Raises `ConfigurationError` where the name is taken, and `TerminalError` when
    what was written does not load: then nothing of it is left.
    """
    check_free(checkout, name)
    before = {path: (checkout / path).read_bytes() for path in _SHARED}
    try:
        readme = before["README.md"].decode("utf-8")
        for path, text in {**files, "README.md": with_row(readme, name, feeds)}.items():
            target = checkout / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        _run(checkout, "-m", "lakehouse.marts.generate")
        _run(checkout, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *_RECORDED, "-k", f"case_file or [{name}]", **_UPDATE)
    except BaseException:
        _remove(checkout, name, files, before)
        raise
    derived = (f"dbt_project/models/{name}/sources.yml", f"{GOLDEN}/{name}.json")
    return [path for path in (*files, *derived) if (checkout / path).is_file()], [
        path for path in _SHARED if (checkout / path).read_bytes() != before[path]
    ]


def record_again(name: str) -> str:
    """The command that writes down anew what the tests know of a dataset, after an edit."""
    variables = " ".join(f"{key}={value}" for key, value in _UPDATE.items())
    return f'{variables} uv run pytest {" ".join(_RECORDED)} -k "case_file or [{name}]"'


def _run(checkout: Path, *command: str, **variables: str) -> None:
    path = os.pathsep.join([str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, **variables, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, *command], cwd=checkout, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-_TAIL:]
        raise TerminalError(f"The new dataset does not load, so nothing of it was kept. Please report it. It said:\n{said}")


def _folders(name: str) -> tuple[str, ...]:
    return f"lakehouse/datasets/{name}", f"dbt_project/models/{name}", f"lakehouse_tests/datasets/{name}", f"{GOLDEN}/{name}"


def _remove(checkout: Path, name: str, files: Mapping[str, str], before: Mapping[str, bytes]) -> None:
    for folder in _folders(name):
        shutil.rmtree(checkout / folder, ignore_errors=True)
    for path in (*files, f"{GOLDEN}/{name}.json"):
        (checkout / path).unlink(missing_ok=True)
    for path, content in before.items():
        (checkout / path).write_bytes(content)
