"""The books of a landing are counted at both ends: a program that loses or doubles a line on the way commits nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lakehouse.errors import TerminalError
from lakehouse.landing import files, write
from lakehouse.landing.batches import BatchRouter, FewerLines
from lakehouse.landing.files import commit_file, write_file
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import SourceFile


def batch(*lines: bytes) -> FewerLines:
    ends = np.cumsum([0, *(len(line) + 1 for line in lines)]).astype(np.int64)
    return FewerLines(b"".join(line + b"\n" for line in lines), ends, np.arange(1, len(lines) + 1, dtype=np.int64), None)


def land_file(lake: Any, contract: Any, *lines: bytes) -> Any:
    ledger = load_ledger(lake, "clicks")
    told = SourceFile("a.jsonl", "/inbox/a.jsonl", "1", 1, dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    written = write_file(lake, contract, ledger, source="files", application="web", batches=[batch(*lines)], file=lambda: told)
    return commit_file(lake, written, ledger, lateness=dt.timedelta())


def refused(lake: Any, what: Any) -> None:
    with pytest.raises(TerminalError, match=r"Expected read = re-read \+ placed \+ unplaced.*Nothing was committed"):
        what()
    assert load_ledger(lake, "clicks").last_number == 0


def test_a_fetch_whose_landing_loses_a_line_is_refused(lake, land, line, monkeypatch):
    real = write._Landing._land

    def losing(self: Any, key: str, lines: Any, ids: Any, times: Any) -> None:
        real(self, key, lines[1:], ids[1:], times[1:])

    monkeypatch.setattr(write._Landing, "_land", losing)
    refused(lake, lambda: land(lake, [line(n=1), line(n=2), line(n=3)]))


@pytest.mark.parametrize("step", ["_take_from_sealed", "_first_sightings"])
def test_a_fetch_whose_routing_loses_a_line_is_refused(lake, land, line, monkeypatch, step):
    real = getattr(write._Landing, step)

    def losing(self: Any, *args: Any) -> Any:
        if step == "_first_sightings":
            return [False, *real(self, *args)[1:]]
        for lines, ids, times in args[0].values():
            del lines[0], ids[0], times[:1]
        return real(self, *args)

    monkeypatch.setattr(write._Landing, step, losing)
    refused(lake, lambda: land(lake, [line(n=1), line(n=2)]))


def test_a_file_whose_routing_loses_a_line_is_refused(lake, contract, line, monkeypatch):
    real = BatchRouter.route

    def losing(self: Any, lines: Any) -> Any:
        yield from (replace(r, lines=r.lines[1:], text=r.text.partition(b"\n")[2], times=r.times[1:]) for r in real(self, lines))

    monkeypatch.setattr(BatchRouter, "route", losing)
    refused(lake, lambda: land_file(lake, contract, line(n=1), line(n=2), b"broken", b"too"))


def test_a_file_that_lands_a_line_twice_is_refused(lake, contract, line, monkeypatch):
    real = files._Landing._count

    def doubling(self: Any, routed: Any) -> None:
        real(self, routed)
        real(self, routed)

    monkeypatch.setattr(files._Landing, "_count", doubling)
    refused(lake, lambda: land_file(lake, contract, line()))
