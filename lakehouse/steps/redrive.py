"""Mending quarantined lines: export them, let a person or a script mend them, land them again."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.errors import TerminalError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef, Manifest
from lakehouse.landing.read import read_lines
from lakehouse.landing.redrive import Origin, land_redrive, origins
from lakehouse.landing.sealed import gone_line
from lakehouse.settings import Lake


class _Mended(msgspec.Struct):
    part: str
    line: int
    raw: str


@dataclass(frozen=True)
class RedriveReport:
    """What a redrive landed. `days`: those that a build must look at again, of the mended lines and of the lines they supersede."""

    manifests: tuple[Manifest, ...]
    days: tuple[dt.date, ...]

    @property
    def lines(self) -> int:
        """How many lines were superseded."""
        return sum(len(m.supersedes) for m in self.manifests)


def quarantine_export(lake: Lake, dataset: Dataset, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """JSON lines with part, line, rule and raw (the text as it came, which may hold personal data), for rows of the quarantine with those keys.

    A line that several rules refused comes once, with all of them. Lines that a redrive superseded already are left out, and those without a
    text (see `expired_lines`). Each part is read once.
    Bytes that are no UTF-8 come as lone surrogates (`\\udcff` for 0xff), and `redrive` makes the same bytes of them again.
    """
    ledger = load_ledger(lake, dataset.name)
    rules: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        if row["line"] not in ledger.superseded.get(row["part"], ()) and gone_line(ledger, LineRef(row["part"], row["line"])) is None:
            rules[row["part"]][row["line"]].add(row["rule"])
    for part in sorted(rules):
        landed = ledger.find(part)
        for number, raw in read_lines(lake, landed.part if landed is not None else part, sorted(rules[part])):
            yield _exported({"part": part, "line": number, "rule": ", ".join(sorted(rules[part][number]))}, raw)


def expired_lines(lake: Lake, dataset: Dataset, refs: Iterable[LineRef]) -> int:
    """How many of these lines have no text any more: they were erased, or raw of their day has expired. Each line counts once."""
    ledger = load_ledger(lake, dataset.name)
    return sum(gone_line(ledger, ref) is not None for ref in set(refs))


def redrive(lake: Lake, dataset: Dataset, file: Path, run_id: str | None = None) -> RedriveReport:
    """Land the mended lines of a file as `quarantine_export` writes it: one JSON object per line with part, line and raw; other keys are ignored.

    The lines of each source and application (where repeated lines are numbered, of each file) land with a manifest of their own; all are checked
    before the first lands. Raises `TerminalError` for what is no such object (it names the file and the line of it), and for lines that may not be
    superseded. Days are rebuilt by the caller.
    """
    mended = dict(_read(file))
    if not mended:
        raise TerminalError(f"{file} has no line, so there is nothing to redrive: expected at least one mended line, as the export writes them.")
    ledger = load_ledger(lake, dataset.name)
    groups: dict[Origin, list[tuple[LineRef, bytes]]] = defaultdict(list)
    for ref, origin in origins(ledger, list(mended), dataset.contract).items():
        groups[origin].append((ref, mended[ref]))
    manifests = tuple(land_redrive(lake, dataset.contract, groups[origin], run_id) for origin in sorted(groups))
    grains = {p.grain for m in manifests for p in m.parts} | {p.part.grain for ref in mended if (p := ledger.find(ref.part)) is not None}
    return RedriveReport(manifests, tuple(sorted({Grain.parse(key).date for key in grains})))


def _exported(entry: dict[str, Any], raw: bytes) -> bytes:
    try:
        return msgspec.json.encode({**entry, "raw": raw.decode()}) + b"\n"
    except UnicodeDecodeError:
        return json.dumps({**entry, "raw": raw.decode(errors="surrogateescape")}).encode() + b"\n"


def _read(file: Path) -> Iterator[tuple[LineRef, bytes]]:
    try:
        text = file.read_bytes()
    except OSError as error:
        raise TerminalError(f"{file} cannot be read: {error}. Expected a file as the export of the quarantine writes it.") from error
    seen: set[LineRef] = set()
    for number, line in enumerate(text.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            # json and not msgspec: only it takes the lone surrogates that stand for bytes that are no UTF-8.
            one = msgspec.convert(json.loads(line), _Mended)
            raw = one.raw.encode(errors="surrogateescape")
        except (ValueError, msgspec.ValidationError) as error:
            raise TerminalError(
                f'{file}, line {number}: {error}. Expected a JSON object with "part", "line" and "raw". '
                "Nothing was landed: mend the file and run it again."
            ) from error
        ref = LineRef(one.part, one.line)
        if ref in seen:
            raise TerminalError(f"{file}, line {number}: line {ref.line} of {ref.part} comes twice. Keep one. Nothing was landed.")
        seen.add(ref)
        yield ref, raw
