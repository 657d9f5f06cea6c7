"""Compaction: the parts of a grain, each in a file of its own, are put into one file. They stay what they are: path, lines, bytes and digest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakehouse.contracts.grain import Grain
from lakehouse.landing.commit import append, upkeep
from lakehouse.landing.identity import merge_ids
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import Manifest, Move, Part
from lakehouse.landing.rewrite import Rewritten, join, with_newer_ledgers
from lakehouse.landing.write import new_fetch_id
from lakehouse.settings import Lake

# A container is put together in memory, and a part of it is read by its place: larger ones save nothing.
CONTAINER_BYTES = 128 << 20
_JOINED = (".zst", ".gz")  # whose frames and members may stand one after the other; other files are left as they are


@dataclass(frozen=True)
class Container:
    """Parts of one grain that fit into one file, in order of landing, by the files that they are in now."""

    grain: Grain
    suffix: str
    parts: tuple[Part, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that hold them now."""
        return tuple(dict.fromkeys(part.file for part in self.parts))


def containers(ledger: Ledger, day: dt.date, min_files: int = 2) -> list[Container]:
    """What a compaction of a day would make: of each grain with at least so many files. Nothing of a sealed day."""
    if day in ledger.sealed:
        return []
    found = []
    for grain in ledger.grains(day):
        parts = [p.part for p in ledger.parts[grain.key]]
        made = [c for suffix in _JOINED for c in _of_grain(grain, suffix, [p for p in parts if p.file.endswith(suffix)])]
        found += made if sum(len(c.files) for c in made) >= max(2, min_files) else []
    return found


def _of_grain(grain: Grain, suffix: str, parts: Sequence[Part]) -> Iterator[Container]:
    """Files in order of landing, as many together as one container takes. What would be one file as before is left out."""
    by_file: dict[str, list[Part]] = {}
    for part in parts:
        by_file.setdefault(part.file, []).append(part)
    batch: list[Part] = []
    size = files = 0
    for held in by_file.values():
        more = sum(p.size for p in held)
        if batch and size + more > CONTAINER_BYTES:
            if files > 1:
                yield Container(grain, suffix, tuple(batch))
            batch, size, files = [], 0, 0
        batch, size, files = [*batch, *held], size + more, files + 1
    if files > 1:
        yield Container(grain, suffix, tuple(batch))


def land_compaction(
    lake: Lake, dataset: str, day: dt.date, *, min_files: int = 2, run_id: str | None = None, ledger: Ledger | None = None
) -> Manifest | None:
    """Put the files of each grain of a day together, by one manifest, which is durable; None where there is nothing to put together.

    The files that held the parts are still there: see `delete_vacated`. When a part is moved, erased or sealed by another process in the meantime,
    what was written is deleted and all is looked at again; `ConflictError` after some tries. `TerminalError` for a file that is damaged or missing.
    """
    ledger = load_ledger(lake, dataset) if ledger is None else ledger
    return with_newer_ledgers(lake, ledger, lambda newest: _compact(lake, newest, day, min_files, run_id))


def _compact(lake: Lake, ledger: Ledger, day: dt.date, min_files: int, run_id: str | None) -> Manifest | None:
    wanted = containers(ledger, day, min_files)
    if not wanted:
        return None
    now = lake.now()
    fetch_id = new_fetch_id(now, "compaction")
    with Rewritten(lake) as written:
        moves = tuple(move for made in _numbered(wanted) for move in _write(lake, written, ledger.dataset, fetch_id, *made))
        written.sync()

        def manifest(follows: Ledger) -> Manifest:
            written.offer(follows, (part for c in wanted for part in c.parts))
            return upkeep(lake, follows, "compaction", fetch_id=fetch_id, started_at=now, moves=moves, run_id=run_id)

        return append(lake, ledger, manifest)


def _numbered(wanted: Sequence[Container]) -> Iterator[tuple[Container, str]]:
    """Each container with what makes its name its own among those of its grain."""
    count: dict[Grain, int] = {}
    for one in wanted:
        count[one.grain] = number = count.get(one.grain, 0) + 1
        yield one, "" if number == 1 else f"-{number}"


def _write(lake: Lake, written: Rewritten, dataset: str, fetch_id: str, made: Container, number: str) -> Iterator[Move]:
    stem = f"raw/{dataset}/{made.grain.raw_folder}/{fetch_id}{number}"
    stored, ids = f"{stem}.jsonl{made.suffix}", f"{stem}.ids"
    named = [part.ids for part in made.parts if part.ids]
    if named:
        written.create(ids, merge_ids(lake.store, dict.fromkeys(named)))
    yield from join(lake, written, stored, made.parts, ids)
