"""The books of a landing are counted at both ends: a program that loses or doubles a line on the way commits nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from position_lines import land_by_position

from lakehouse.errors import TerminalError
from lakehouse.landing import files, parts, write
from lakehouse.landing.batches import BatchRouter
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.read import read_part


def refused(lake: Any, what: Any, why: str = r"Expected read = re-read \+ placed \+ unplaced") -> None:
    with pytest.raises(TerminalError, match=f"{why}.*Nothing was committed"):
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
        yield from (replace(r, lines=r.lines[1:], text=bytes(r.text).partition(b"\n")[2], times=r.times[1:]) for r in real(self, lines))

    monkeypatch.setattr(BatchRouter, "route", losing)
    refused(lake, lambda: land_by_position(lake, contract, [line(n=1), line(n=2), b"broken", b"too"]))


def test_a_file_that_lands_a_line_twice_is_refused(lake, contract, line, monkeypatch):
    real = files._Landing._count

    def doubling(self: Any, routed: Any) -> None:
        real(self, routed)
        real(self, routed)

    monkeypatch.setattr(files._Landing, "_count", doubling)
    refused(lake, lambda: land_by_position(lake, contract, [line()]))


@pytest.fixture(params=["before it is packed", "when it is written", "into another part"])
def losing_writer(request, monkeypatch) -> None:
    """A writer of parts that loses the first text of a part, the first frame of one, or puts a text into the part of unplaced lines."""
    if request.param == "when it is written":
        monkeypatch.setattr(parts, "FRAME_BYTES", 1)
        real = parts.PartWriter._pack

        def forgetting(self: Any, draft: Any) -> None:
            if draft.frames:
                real(self, draft)
            else:
                self._text -= draft.text
                draft.frames, draft.texts, draft.text = [b""], [], 0

        monkeypatch.setattr(parts.PartWriter, "_pack", forgetting)
        return
    grow, times = parts.PartWriter._grow, []

    def lossy(self: Any, draft: Any, text: bytes, ends: Any) -> None:
        times.append(text)
        if len(times) > 1 or request.param == "into another part":
            away = request.param == "into another part" and len(times) == 1
            grow(self, self._drafts.setdefault("unplaced-2026-11-20", parts._Draft()) if away else draft, text, ends)

    monkeypatch.setattr(parts.PartWriter, "_grow", lossy)


@pytest.mark.usefixtures("losing_writer")
def test_lines_of_a_fetch_that_its_parts_do_not_hold_are_missed(lake, land, line):
    refused(lake, lambda: land(lake, [line(n=1), line(n=2)], [line(n=3)]), "expected parts with 3 placed and 0 unplaced lines, but they hold")


@pytest.mark.usefixtures("losing_writer")
def test_lines_of_a_file_that_its_parts_do_not_hold_are_missed(lake, contract, line):
    lines = line(n=1), line(time="2026-11-20T11:30:00Z", n=2), b"broken"
    refused(lake, lambda: land_by_position(lake, contract, lines), "expected parts with 2 placed and 1 unplaced lines, but they hold")


def test_a_part_tells_how_many_lines_its_text_has(lake, land, line, monkeypatch):
    monkeypatch.setattr(parts, "FRAME_BYTES", 100)
    (part,) = land(lake, *([line(n=n), line(n=-n)] for n in range(1, 20))).parts
    text = b"".join(read_part(lake, part))
    assert (part.lines, part.raw_bytes) == (text.count(b"\n"), len(text)) == (38, len(text))
