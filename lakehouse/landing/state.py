"""What the manifests of a dataset say together: a pure fold over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lakehouse.accounts import lateness
from lakehouse.accounts.books import FetchBooks
from lakehouse.accounts.lateness import Recovered, recovered
from lakehouse.contracts.grain import Grain
from lakehouse.landing import coverage as stretches
from lakehouse.landing.landed import DayReads, FileReads, LandedPart, Seal, Sweep
from lakehouse.landing.manifest import Manifest, Move, SourceFile, Window
from lakehouse.landing.moved import Erasure, moved_part, vacated

__all__ = ["CHECKPOINT_FORMAT", "SWEEPS", "DayReads", "FileReads", "LandedPart", "Ledger", "Seal", "Sweep", "sweep_runs"]

CHECKPOINT_FORMAT = 1
SWEEPS: Mapping[str, dt.timedelta] = {"daily_sweep": dt.timedelta(days=1), "weekly_sweep": dt.timedelta(days=7)}


class Ledger(msgspec.Struct, frozen=True):
    """The state of raw after manifest `last_number` (0: nothing landed yet). All times are aware, UTC.

    parts: grain key -> its parts in order of landing.
    coverage: application -> what was read without gaps, merged and sorted.
    superseded: part path -> line numbers that a redrive replaced. superseded_by: part path -> numbers of those manifests.
    released: part path -> number of the manifest that admits its held rows.
    erasures: part path -> what was erased of it. Its lines keep their places.
    touched: day -> last manifest that landed a part in a grain of it, superseded or erased a line of it or released a part of it.
    moved_by: day -> manifests that moved the bytes of its parts. vacated: files that they had been moved to and that hold no part any more (those
    that parts landed in are not listed: no part ever comes back to its own).
    sealed: day -> since when its raw has expired. Its parts stay listed, and their identity files stay: what landed is known, its text is gone.
    lateness_by_application: application -> bucket (see `accounts.lateness`) -> first sightings. Those that a backfill met in new coverage are left
    out, because whatever delay they had was over.
    late_recovered: purpose -> first sightings in stretches that had been read before.
    sweep_state: application -> purpose -> its newest sweep. read_today: application -> what its last day of fetching read.
    first_landed_by_application: when the first manifest of each landed.
    books: sums over all fetches.
    erased_ids: identities (hexadecimal) of erased lines of sources by position: whoever reads such a line again does not land it.
    files: name -> what was read of it (sources of files). newest: application -> the newest event that landed, of a source by position.
    """

    dataset: str
    last_number: int = 0
    parts: dict[str, tuple[LandedPart, ...]] = {}
    coverage: dict[str, tuple[Window, ...]] = {}
    superseded: dict[str, frozenset[int]] = {}
    superseded_by: dict[str, tuple[int, ...]] = {}
    released: dict[str, int] = {}
    erasures: dict[str, tuple[Erasure, ...]] = {}
    touched: dict[dt.date, int] = {}
    sealed: dict[dt.date, Seal] = {}
    lateness_by_application: dict[str, dict[int, int]] = {}
    late_recovered: dict[str, int] = {}
    sweep_state: dict[str, dict[str, Sweep]] = {}
    read_today: dict[str, DayReads] = {}
    first_landed_by_application: dict[str, dt.datetime] = {}
    books: FetchBooks = FetchBooks()
    files: dict[str, FileReads] = {}
    newest: dict[str, dt.datetime] = {}
    moved_by: dict[dt.date, tuple[int, ...]] = {}
    vacated: frozenset[str] = frozenset()
    erased_ids: frozenset[str] = frozenset()
    format: int = CHECKPOINT_FORMAT

    @property
    def lateness(self) -> dict[int, int]:
        """Lateness of all applications together: upper bound of the bucket in seconds -> first sightings."""
        return lateness.total(self.lateness_by_application.values())

    @property
    def recovered(self) -> tuple[Recovered, ...]:
        """Of all late first sightings the share of the overlap, of each sweep, and of whatever else met one."""
        return recovered(self.late_recovered, ("overlap", *SWEEPS))

    def grains(self, day: dt.date) -> list[Grain]:
        """The grains of a day that have parts, the unplaced lines that landed on it included, sorted by time, unplaced last."""
        keys = [day.isoformat(), *(f"{day.isoformat()}T{hour:02d}" for hour in range(24)), f"unplaced-{day.isoformat()}"]
        return [Grain.parse(key) for key in keys if key in self.parts]

    def days(self) -> list[dt.date]:
        """The days whose grains have parts, sorted."""
        return sorted({Grain.parse(key).date for key in self.parts})

    def find(self, path: str) -> LandedPart | None:
        """The part of that path (relative to the lake); None when no manifest names it."""
        return next((p for p in self.parts.get(_grain_of(path), ()) if p.part.path == path), None)

    def erased(self, path: str) -> frozenset[int]:
        """The numbers of the lines of a part whose text was erased."""
        return frozenset[int]().union(*(e.lines for e in self.erasures.get(path, ())))

    def erasure_of(self, path: str, line: int) -> Erasure | None:
        """What erased a line; None while its text is there, or went with the raw of its whole day."""
        return next((e for e in self.erasures.get(path, ()) if line in e.lines), None)

    def seal_of(self, path: str) -> tuple[dt.date, Seal] | None:
        """The day of a part and since when it is sealed; None while its raw is there."""
        if not self.sealed:
            return None
        day = Grain.parse(_grain_of(path)).date
        return (day, self.sealed[day]) if day in self.sealed else None

    def cursor(self, application: str) -> dt.datetime | None:
        """End of the contiguous coverage that begins at the first covered instant; None before first contact."""
        windows = self.coverage.get(application, ())
        return windows[0].end if windows else None

    def frontier(self, application: str) -> dt.datetime | None:
        """The newest instant that was read, holes before it or not; None before first contact."""
        windows = self.coverage.get(application, ())
        return windows[-1].end if windows else None

    def holes(self, application: str, start: dt.datetime, end: dt.datetime) -> list[Window]:
        """What the application's coverage lacks in `[start, end)`, sorted."""
        return stretches.holes(self.coverage.get(application, ()), start, end)

    def has_read(self, file: SourceFile) -> bool:
        """Whether this content was read under this name."""
        reads = self.files.get(file.name)
        return reads is not None and file.sha256 in reads.hashes

    def covered(self, applications: Iterable[str], start: dt.datetime, end: dt.datetime) -> bool:
        """Whether all of these applications were read from start to end without a hole."""
        return all(not self.holes(a, start, end) for a in applications)

    def after(self, manifests: Sequence[Manifest]) -> Ledger:
        """The ledger after more manifests, which must follow on its last number."""
        if not manifests:
            return self
        state = _Folding(self)
        for manifest in manifests:
            state.fold(manifest)
        return state.ledger()


class _Folding:
    """A ledger under way: copies of its dictionaries, changed in place."""

    def __init__(self, base: Ledger) -> None:
        self._base = base
        self._number, self._books = base.last_number, base.books
        self._parts, self._coverage = dict(base.parts), dict(base.coverage)
        self._superseded, self._superseded_by, self._touched = dict(base.superseded), dict(base.superseded_by), dict(base.touched)
        self._released, self._erasures = dict(base.released), dict(base.erasures)
        self._moved_by, self._vacated, self._erased_ids = dict(base.moved_by), base.vacated, base.erased_ids
        self._lateness, self._late = dict(base.lateness_by_application), dict(base.late_recovered)
        self._sealed = dict(base.sealed)
        self._files, self._newest = dict(base.files), dict(base.newest)
        self._sweeps, self._today, self._first = dict(base.sweep_state), dict(base.read_today), dict(base.first_landed_by_application)

    def fold(self, manifest: Manifest) -> None:
        if manifest.number != self._number + 1:
            raise ValueError(f"manifest {manifest.number} does not follow on {self._number}")
        self._number = manifest.number
        self._books = self._books + manifest.books
        self._fold_parts(manifest)
        self._fold_superseded(manifest)
        self._fold_released(manifest)
        self._fold_moves(manifest)
        self._erased_ids = self._erased_ids.union(manifest.erased_ids)
        for day in manifest.sealed:
            self._sealed.setdefault(day, Seal(manifest.number, manifest.landed_at))
        if manifest.kind == "fetch":
            self._fold_reading(manifest)
        if manifest.file is not None:
            self._fold_file(manifest, manifest.file)

    def _fold_file(self, manifest: Manifest, file: SourceFile) -> None:
        before = self._files.get(file.name)
        self._files[file.name] = FileReads((*(before.hashes if before is not None else ()), file.sha256), file)
        times = [part.max_time for part in manifest.parts if part.max_time is not None]
        if times:
            self._newest[manifest.application] = max(*times, self._newest.get(manifest.application, times[0]))

    def _fold_parts(self, manifest: Manifest) -> None:
        for part in manifest.parts:
            landed = LandedPart(
                part, manifest.number, manifest.fetch_id, manifest.landed_at, manifest.source, manifest.application, manifest.reference_time
            )
            self._parts[part.grain] = (*self._parts.get(part.grain, ()), landed)
            self._touched[Grain.parse(part.grain).date] = manifest.number

    def _fold_superseded(self, manifest: Manifest) -> None:
        lines: dict[str, set[int]] = {}
        for ref in manifest.supersedes:
            lines.setdefault(ref.part, set()).add(ref.line)
        for path, numbers in lines.items():
            self._superseded[path] = self._superseded.get(path, frozenset()) | numbers
            self._superseded_by[path] = (*self._superseded_by.get(path, ()), manifest.number)
            self._touched[Grain.parse(_grain_of(path)).date] = manifest.number

    def _fold_released(self, manifest: Manifest) -> None:
        for path in manifest.releases:
            self._released[path] = manifest.number
            self._touched[Grain.parse(_grain_of(path)).date] = manifest.number

    def _fold_moves(self, manifest: Manifest) -> None:
        by_grain: dict[str, dict[str, Move]] = {}
        for move in manifest.moves:
            by_grain.setdefault(_grain_of(move.part), {})[move.part] = move
        for grain, moves in by_grain.items():
            before, day = self._parts.get(grain, ()), Grain.parse(grain).date
            self._parts[grain] = after = tuple(
                msgspec.structs.replace(p, part=moved_part(p.part, moves[p.part.path])) if p.part.path in moves else p for p in before
            )
            self._vacated |= vacated((p.part for p in before), (p.part for p in after))
            self._moved_by[day] = tuple(dict.fromkeys((*self._moved_by.get(day, ()), manifest.number)))
            for path, lines in ((path, move.erased) for path, move in moves.items() if move.erased):
                erasure = Erasure(manifest.number, manifest.landed_at, frozenset(lines))
                self._erasures[path] = (*self._erasures.get(path, ()), erasure)
                self._touched[day] = manifest.number

    def _fold_reading(self, manifest: Manifest) -> None:
        application = manifest.application
        self._first.setdefault(application, manifest.landed_at)
        if manifest.covered is not None:
            self._coverage[application] = stretches.add(self._coverage.get(application, ()), manifest.covered)
        seen = {b: n for b, n in manifest.lateness.items() if n and not (b == 0 and manifest.purpose == "backfill")}
        self._lateness[application] = lateness.add(self._lateness.get(application, {}), seen)
        if manifest.late_recovered:
            self._late[manifest.purpose] = self._late.get(manifest.purpose, 0) + manifest.late_recovered
        if manifest.window is not None:
            self._fold_sweeps(application, manifest.purpose, manifest.window, manifest.landed_at)

    def _fold_sweeps(self, application: str, purpose: str, window: Window, landed_at: dt.datetime) -> None:
        today = self._today.get(application)
        before = today.windows if today is not None and today.day == landed_at.date() else ()
        self._today[application] = today = DayReads(landed_at.date(), stretches.add(before, window))
        sweeps = {
            name: Sweep(sweep.started, landed_at if name == purpose else sweep.last, stretches.add(sweep.done, window))
            for name, sweep in self._sweeps.get(application, {}).items()
            if sweep_runs(name, sweep, landed_at)
        }
        if purpose in SWEEPS and purpose not in sweeps:
            sweeps[purpose] = Sweep(landed_at, landed_at, today.windows)
        self._sweeps[application] = {**self._sweeps.get(application, {}), **sweeps}

    def ledger(self) -> Ledger:
        return Ledger(
            dataset=self._base.dataset,
            last_number=self._number,
            parts=self._parts,
            coverage=self._coverage,
            superseded=self._superseded,
            superseded_by=self._superseded_by,
            released=self._released,
            erasures=self._erasures,
            touched=self._touched,
            sealed=self._sealed,
            lateness_by_application=self._lateness,
            late_recovered=self._late,
            sweep_state=self._sweeps,
            read_today=self._today,
            first_landed_by_application=self._first,
            books=self._books,
            files=self._files,
            newest=self._newest,
            moved_by=self._moved_by,
            vacated=self._vacated,
            erased_ids=self._erased_ids,
        )


def sweep_runs(purpose: str, sweep: Sweep, now: dt.datetime) -> bool:
    """Whether a sweep is still the one of its day or week (by calendar day, UTC); after that the next one is due."""
    return now.date() < sweep.started.date() + SWEEPS[purpose]


def _grain_of(path: str) -> str:
    """Grain key of a part's path: `raw/<dataset>/date=2026-11-20/hour=13/<name>`."""
    values = [folder.partition("=")[2] for folder in path.split("/")[:-1] if "=" in folder]
    if "/unplaced/landed=" in path:
        return f"unplaced-{values[-1]}"
    return "T".join(values)
