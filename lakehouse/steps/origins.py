"""Where raw lines of a source by position stood in their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.landing.ledger import Ledger, read_manifest
from lakehouse.landing.manifest import LineRef, Manifest
from lakehouse.landing.positions import Positions, read_positions
from lakehouse.settings import Lake


@dataclass(frozen=True)
class SourceLine:
    """A line of a file: where the file was read, and the line at which the record began, from 1 (of a JSON document the number of the record).

    `line` is None where raw of the day has expired, and its positions with it. `repeat`: which of the identical lines of the file it is, where
    the contract numbers them.
    """

    file: str
    line: int | None
    repeat: int | None = None

    def __str__(self) -> str:
        """In words."""
        return self.file if self.line is None else f"{self.file} line {self.line}"


class Origins:
    """Finds source lines; manifests and positions are read once each."""

    def __init__(self, lake: Lake, ledger: Ledger) -> None:
        self._lake, self._ledger = lake, ledger
        self._files: dict[int, str | None] = {}
        self._positions: dict[str, Positions | None] = {}

    def find(self, refs: Sequence[LineRef]) -> list[SourceLine | None]:
        """The source line of each raw line; None for what no file brought."""
        return [self._find(ref) for ref in refs]

    def _find(self, ref: LineRef) -> SourceLine | None:
        landed = self._ledger.find(ref.part)
        if landed is None or not landed.part.pos:
            return None
        file = self._file(landed.number)
        if file is None:
            return None
        if ref.part not in self._positions:
            expired = self._ledger.seal_of(ref.part) is not None
            self._positions[ref.part] = read_positions(self._lake.store, landed.part) if not expired else None
        positions = self._positions[ref.part]
        if positions is None:
            return SourceLine(file, None)
        repeat = int(positions.repeats[ref.line - 1]) if positions.repeats is not None else None
        return SourceLine(file, int(positions.numbers[ref.line - 1]), repeat)

    def _file(self, number: int) -> str | None:
        if number not in self._files:
            self._files[number] = self._file_of(read_manifest(self._lake.store, self._ledger.dataset, number))
        return self._files[number]

    def _file_of(self, manifest: Manifest) -> str | None:
        """The file of a fetch; of a redrive the files whose lines it mended."""
        if manifest.file is not None:
            return manifest.file.url
        mended = [self._ledger.find(part) for part in {ref.part for ref in manifest.supersedes}]
        files = {file for landed in mended if landed is not None and (file := self._file(landed.number)) is not None}
        return ", ".join(sorted(files)) or None
