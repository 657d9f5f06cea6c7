"""The small files whose fate is kept as golden rows: what the generator of a new dataset writes, a day with every defect it knows."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

from lakehouse.accounts.truth import TRUTH_FILE
from lakehouse.datasets.sample_files import Arguments, write_sample
from lakehouse.scaffold.infer import Inferred

GOLDEN = "lakehouse_tests/engines/golden"
_FEW = Arguments(start=dt.date(2026, 11, 1), days=1, events=20, duplicates=0.1, late=0.1, malformed=0.1)


def golden_files(inferred: Inferred) -> dict[str, str]:
    """Path below the checkout -> text, invented as the sketch of the dataset says."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder, _FEW, inferred.sketch)
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != TRUTH_FILE)
        return {f"{GOLDEN}/{inferred.name}/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8") for path in files}
