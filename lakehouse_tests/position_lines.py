"""Lines landed by position: as a file of an inbox lands, everything in it, copies too."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

import numpy as np

from lakehouse.contracts.model import Contract
from lakehouse.landing.batches import FewerLines
from lakehouse.landing.files import commit_file, write_file
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Manifest, SourceFile
from lakehouse.settings import Lake

NO_COVERAGE = dt.timedelta(days=36_500)  # a lateness by which no file says that anything was read without gaps


def batch_of(lines: Sequence[bytes]) -> FewerLines:
    """Lines as a reader of files gives them."""
    ends = np.cumsum([0, *(len(line) + 1 for line in lines)]).astype(np.int64)
    return FewerLines(b"".join(line + b"\n" for line in lines), ends, np.arange(1, len(lines) + 1, dtype=np.int64), None)


def land_by_position(
    lake: Lake, contract: Contract, lines: Sequence[bytes], *, source: str = "files", application: str = "web", lateness: dt.timedelta = NO_COVERAGE
) -> Manifest:
    """Land lines as one more file, which no other is like."""
    ledger = load_ledger(lake, contract.name)
    name = f"{ledger.last_number + 1}.jsonl"
    file = SourceFile(name, f"/inbox/{name}", hashlib.sha256(name.encode()).hexdigest(), 1, lake.now())
    written = write_file(lake, contract, ledger, source=source, application=application, batches=[batch_of(lines)], file=lambda: file)
    return commit_file(lake, written, ledger, lateness=lateness)
