"""What a build of the marts has to do. Pure, but for the hash of the dbt project."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec

from lakehouse.landing.coverage import differing_days
from lakehouse.landing.manifest import Window
from lakehouse.marts.dbt import dbt_project
from lakehouse.marts.reach import CleanDays, dates_to_build
from lakehouse.marts.records import VersionRecord
from lakehouse.marts.specs import MartSpec
from lakehouse.tables.views import CleanVersion

Coverage = Mapping[str, Sequence[Window]]
_PROJECT_FILE = "dbt_project.yml"
_SQL_FOLDERS = ("models", "macros", "seeds", "tests")
_READ = {".sql", ".yml", ".yaml", ".csv"}  # what dbt makes models of; beside them may lie what an editor keeps


@dataclass(frozen=True)
class Asked:
    """What was asked for: some days or all that differ, and whether days that do not differ are built too."""

    days: Collection[dt.date] | None = None
    force: bool = False


@dataclass(frozen=True)
class Plan:
    """What to build. `fresh`: begin with an empty file, not with the current version.

    `days`: clean day -> fingerprint of the build that the new version has it from. `changed`: those whose marts are built anew, and those that are
    gone. `dates`: mart -> its mart dates to build, for marts that have any. `whole`: marts to build as a whole.
    """

    reason: str
    fresh: bool
    days: dict[dt.date, int]
    changed: tuple[dt.date, ...]
    as_of: dt.date | None
    dates: dict[str, tuple[dt.date, ...]]
    whole: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to build."""
        return not self.fresh and not self.dates and not self.whole


def recipe(dataset: str, variables: Mapping[str, str | None], project: Path | None = None) -> str:
    """32 hex digits that change with what makes the marts of a dataset: its models, macros and seeds, those that all share, and what dbt is told
    beside dates. `project`: the folder of the dbt project.
    """
    project = project or dbt_project()
    others = {path.name for path in (project / "models").iterdir() if path.is_dir()} - {dataset}
    files = [path for path in _sql_files(project) if not others & set(path.relative_to(project).parts[1:2])]
    return _digest([msgspec.json.encode(dict(sorted(variables.items()))), _shared_settings(project, others)], project, files)


def project_digest() -> str:
    """32 hex digits that change with the dbt project of all datasets."""
    project = dbt_project()
    return _digest([], project, [project / _PROJECT_FILE, *_sql_files(project)])


def _sql_files(project: Path) -> list[Path]:
    return [path for folder in _SQL_FOLDERS for path in sorted((project / folder).rglob("*")) if path.suffix in _READ and path.is_file()]


def _shared_settings(project: Path, others: Set[str]) -> bytes:
    """`dbt_project.yml` without what it says of the folders of other datasets."""
    import yaml  # type: ignore[import-untyped]

    told = yaml.safe_load((project / _PROJECT_FILE).read_bytes())
    for kind in ("models", "seeds"):
        for settings in (told.get(kind) or {}).values():
            for name in others & set(settings or ()):
                del settings[name]
    return msgspec.json.encode(told, order="deterministic")


def _digest(told: Sequence[bytes], project: Path, files: Sequence[Path]) -> str:
    found = hashlib.blake2b(b"\0".join(told), digest_size=16)
    for path in files:
        found.update(path.relative_to(project).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def plan_build(
    specs: Sequence[MartSpec],
    current: VersionRecord | None,
    clean: CleanVersion,
    coverage: Coverage,
    *,
    recipe_now: str,
    asked: Asked,
    dimensions: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """What has to be built so that the marts tell of this clean version and these dimensions (name -> digest)."""
    if current is None and not clean.builds:
        return Plan("there is no committed clean day yet", False, {}, (), None, {}, ())
    moved = changed_dimensions(current, dimensions)
    reason = _why_fresh(current, recipe_now, asked) or _why_every_date(specs, moved)
    fresh = reason is not None
    base = None if fresh else current
    days, changed = _days(base, clean, Asked(asked.days if current is None or not fresh else None, asked.force))
    now = CleanDays(frozenset(days), frozenset(_with_rows(days, base, clean)))
    before = CleanDays(frozenset(base.days), frozenset(d for d, b in base.days.items() if b.kept)) if base else CleanDays(frozenset(), frozenset())
    as_of = _as_of(now, clean, days)
    recovered = _recovered(base, coverage, as_of)
    dates, whole = {}, []
    for spec in specs:
        also = recovered if "coverage" in spec.sources else frozenset()
        if spec.dated:
            found = dates_to_build(spec.parsed_reach, before=before, now=now, changed={*changed, *(also & now.days)})
            if found:
                dates[spec.name] = tuple(found)
        elif base is None or as_of != base.as_of or also or moved or any(_looks_at(spec, day, as_of) for day in changed):
            whole.append(spec.name)
    if not fresh:
        reason = f"asked for, changed or not: {_few(changed)}" if asked.force and changed else _why(changed, recovered, base, as_of, moved)
    return Plan(reason or "", fresh, days, tuple(sorted(changed)), as_of, dates, tuple(whole))


def _looks_at(spec: MartSpec, day: dt.date, as_of: dt.date | None) -> bool:
    """Whether a mart that is built as a whole tells of that day."""
    return spec.parsed_reach.kind == "published" or (as_of is not None and day <= as_of)


def _why_fresh(current: VersionRecord | None, recipe_now: str, asked: Asked) -> str | None:
    if current is None:
        return "nothing was published yet"
    if current.recipe != recipe_now:
        return "the models of the dataset or a setting that they are told changed, so every date is built anew"
    if asked.force and asked.days is None:
        return "every date was asked for"
    return None


def changed_dimensions(current: VersionRecord | None, dimensions: Mapping[str, str]) -> frozenset[str]:
    """The dimensions of which the published version has read another version; none where nothing is published."""
    before = current.dimensions if current is not None else dimensions
    return frozenset(name for name in {*before, *dimensions} if before.get(name) != dimensions.get(name))


def _why_every_date(specs: Sequence[MartSpec], moved: Collection[str]) -> str | None:
    read = sorted({name for spec in specs if spec.dated for name in moved if name in spec.sources})
    return f"marts of days read the dimension {', '.join(read)}, which changed, so every date is built anew" if read else None


def _why(
    changed: Collection[dt.date], recovered: Collection[dt.date], base: VersionRecord | None, as_of: dt.date | None, moved: Collection[str]
) -> str:
    if changed:
        return f"{len(changed)} clean day{'s' if len(changed) > 1 else ''} changed: {_few(changed)}"
    if recovered:
        return f"coverage of {_few(recovered)} changed"
    if moved:
        return f"there is another version of {', '.join(sorted(moved))}"
    if base is not None and as_of != base.as_of:
        return f"{as_of} is complete now"
    return "no clean day differs from the published version"


def _few(days: Collection[dt.date]) -> str:
    return ", ".join(str(day) for day in sorted(days)[:7]) + (", ..." if len(days) > 7 else "")


def _days(base: VersionRecord | None, clean: CleanVersion, asked: Asked) -> tuple[dict[dt.date, int], set[dt.date]]:
    """(day -> fingerprint of the new version, days whose marts are to be built anew)."""
    old = {day: built.fingerprint for day, built in base.days.items()} if base else {}
    new = {day: build.fingerprint for day, build in clean.builds.items()}
    wanted = set(asked.days) if asked.days is not None else {*old, *new}
    changed = {day for day in wanted & {*old, *new} if asked.force or old.get(day) != new.get(day)}
    days = {day: number for day, number in old.items() if day not in changed}
    days.update({day: new[day] for day in changed if day in new})
    return dict(sorted(days.items())), changed


def _with_rows(days: Mapping[dt.date, int], base: VersionRecord | None, clean: CleanVersion) -> set[dt.date]:
    old = base.days if base else {}
    return {
        day for day, number in days.items() if (old[day].kept > 0 if day in old and old[day].fingerprint == number else bool(clean.by_day.get(day)))
    }


def _as_of(now: CleanDays, clean: CleanVersion, days: Mapping[dt.date, int]) -> dt.date | None:
    """The newest day that is over: complete, or followed by another one. Where there is only one day, that one."""
    ordered = sorted(now.with_rows)
    if len(ordered) < 2:
        return ordered[0] if ordered else None
    build = clean.builds.get(ordered[-1])
    over = build is not None and build.complete and build.fingerprint == days[ordered[-1]]
    return ordered[-1] if over else ordered[-2]


def _recovered(base: VersionRecord | None, coverage: Coverage, as_of: dt.date | None) -> frozenset[dt.date]:
    """Days up to as_of of which something else is covered than the published version knew: windows without events change no clean day."""
    if base is None or as_of is None:
        return frozenset()
    applications = {*base.coverage, *coverage}
    found = {day for a in applications for day in differing_days(base.coverage.get(a, ()), coverage.get(a, ()))}
    return frozenset(day for day in found if day <= as_of)
