"""Building the marts of a dataset: aside, from one version of clean, by one dbt run, published whole or not at all."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConflictError, TerminalError
from lakehouse.landing.ledger import load_ledger
from lakehouse.marts import publish
from lakehouse.marts.build_folders import FAILED, SOFTWARE, clear_folders, parsed_project
from lakehouse.marts.dbt import BUILD_FILE, DbtRun, parse_ahead, read_run, run_dbt
from lakehouse.marts.dbt_helper import dbt_helper
from lakehouse.marts.plan import Asked, Plan, plan_build, recipe
from lakehouse.marts.reach import ranges
from lakehouse.marts.records import BuiltDay, DateRange, MartsRefusedError, MartsReport, VersionRecord
from lakehouse.marts.sources import SCHEMA
from lakehouse.marts.specs import mart_specs
from lakehouse.settings import Lake
from lakehouse.storage.failpoints import fail_point
from lakehouse.tables.dimensions import current_dimensions, register_dimensions
from lakehouse.tables.views import CleanVersion, clean_version, register_views

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str], None]
_TRIES = 5


def build_marts(
    lake: Lake, dataset: Dataset, days: Sequence[dt.date] | None = None, *, force: bool = False, progress: Progress | None = None
) -> MartsReport:
    """Build the marts that these clean days reach and publish them as a new version.

    `days`: clean days to look at; None is every day. Days that the published version was built from as they are now are left out, unless `force` is
    set (with no days: everything anew, from an empty file). Nothing to do: the report says `skipped` and dbt is not started. `progress` is told
    what goes on.

    Raises `MartsRefusedError` when a model or test is red: nothing is published then. Raises `ConfigurationError` for a lake that is not on a local
    disk, `ConflictError` when other builds were published first too often.
    """
    began = time.monotonic()
    publish.local_root(lake)
    asked = Asked(frozenset(days) if days is not None else None, force)
    with dbt_helper():
        for _ in range(_TRIES):
            attempt = _Attempt(lake, dataset, asked, progress or (lambda _: None), began)
            report = attempt.run()
            if report is not None:
                return report
    raise ConflictError(
        f"The marts of {dataset.name}: other builds were published first {_TRIES} times in a row. Try again, or build in one place only."
    )


def builds_ahead(lake: Lake) -> AbstractContextManager[None]:
    """All marts that are built within the block are built by one dbt process, which begins at once to read the project."""
    return dbt_helper(ahead=parse_ahead(parsed_project(lake)))


@dataclass
class _Attempt:
    lake: Lake
    dataset: Dataset
    asked: Asked
    progress: Progress
    began: float

    def __post_init__(self) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.specs = mart_specs(self.dataset.name)
        told = self.lake.dataset(self.dataset.name).source
        self.variables = {name: told.get(setting) for name, setting in self.dataset.mart_variables.items()}
        self.recipe = recipe(self.dataset.name, self.variables)
        self.current = publish.current_version(self.lake, self.dataset)
        self.lost = self.current is not None and publish.version_file(self.lake, self.current) is None
        if self.lost:
            self.current = None  # its number still counts
            self.asked = replace(self.asked, days=None)  # there is nothing that the days that were not asked for could be kept from
        self.folder = publish.local_root(self.lake) / "marts" / self.dataset.name / ".build" / self.id
        self.file = self.folder / BUILD_FILE
        self.target = self.folder / "target"

    def run(self) -> MartsReport | None:
        """One try; None when another build was published in the meantime. `TerminalError` where the disk refuses."""
        import duckdb

        # Looked at before clean is: a window that lands in between differs from the version at the next look, and is not lost.
        self.coverage = load_ledger(self.lake, self.dataset.name).coverage
        self.dimensions = current_dimensions(self.lake, self.dataset)
        plan = self._plan(clean_version(self.lake, self.dataset.contract))
        if plan.nothing:
            return self._skip(plan)
        try:
            clear_folders(self.folder.parent)
            self.folder.mkdir(parents=True)
            return self._build(plan)
        except (OSError, duckdb.IOException, duckdb.FatalException) as error:  # the last: a checkpoint that could not be written
            raise self._unwritable(str(error).splitlines()[0]) from error
        finally:
            if not (self.folder / FAILED).exists():
                shutil.rmtree(self.folder, ignore_errors=True)

    def _plan(self, clean: CleanVersion) -> Plan:
        digests = {name: version.digest for name, version in self.dimensions.items()}
        plan = plan_build(self.specs, self.current, clean, self.coverage, recipe_now=self.recipe, asked=self.asked, dimensions=digests)
        return replace(plan, reason="the file of the published version is gone, so every date is built anew") if self.lost and plan.fresh else plan

    def _skip(self, plan: Plan) -> MartsReport:
        if self.current is not None:
            publish.show(self.lake, self.dataset, self.current)
        number = self.current.number if self.current is not None else None
        return MartsReport(self.dataset.name, number, True, plan.reason, as_of=plan.as_of, seconds=self._seconds())

    def _build(self, plan: Plan) -> MartsReport | None:
        base = None if plan.fresh else self.current
        if base is not None:
            shutil.copyfile(publish.local_root(self.lake) / base.file, self.file)
        self.progress(f"{self.dataset.name} marts: {plan.reason}")
        plan, clean, kept = self._register(plan, base)
        if plan.nothing:
            return self._skip(plan)
        fail_point("marts.before_dbt")
        command = ["build", "--select", *self._selection(plan)]
        run_dbt(command, target=self.target, file=self.file, parsed=parsed_project(self.lake), variables=self._variables(plan), line=self._say)
        result = read_run(self.target, {test.name: spec.name for spec in self.specs for test in spec.tests})
        if result.red or not result.models:
            raise self._refused(result)
        rows = self._finish()
        record = self._record(plan, base, clean, kept, rows)
        if not publish.publish(self.lake, self.dataset, self.file, record):
            self.progress("another build was published first: building again on top of it")
            return None
        rebuilt = {**plan.dates, **dict.fromkeys(plan.whole, ())}
        return MartsReport(
            dataset=self.dataset.name,
            version=record.number,
            skipped=False,
            reason=plan.reason,
            days=plan.changed,
            rebuilt=rebuilt,
            tests=result.tests,
            rows={name: rows[name] for name in rebuilt},
            as_of=plan.as_of,
            seconds=record.seconds,
        )

    def _register(self, plan: Plan, base: VersionRecord | None) -> tuple[Plan, CleanVersion, dict[dt.date, int]]:
        """Lay the sources into the build's file: the days that are built anew. The plan is made again for the version that they show."""
        import duckdb

        with duckdb.connect(str(self.file)) as con:
            con.execute("SET TimeZone = 'UTC'")
            shown: frozenset[dt.date] | None = None
            while shown is None or not shown.issuperset(plan.changed):
                shown = frozenset(plan.changed)
                clean = register_views(con, self.lake, self.dataset.contract, SCHEMA, days=shown)
                plan = self._plan(clean)
            register_dimensions(con, self.lake, self.dataset, SCHEMA, self.dimensions)
            counted = dict(con.execute(f"SELECT day, CAST(sum(kept) AS BIGINT) FROM {SCHEMA}.builds GROUP BY day").fetchall())
            old = base.days if base is not None else {}
            kept = {day: counted.get(day, 0) if day in plan.changed else old[day].kept for day in plan.days}
            _built_days(con, plan, kept)
        return plan, clean, kept

    def _selection(self, plan: Plan) -> list[str]:
        if plan.fresh:
            return [f"fqn:lakehouse.{self.dataset.name}"]
        return [f"path:models/{self.dataset.name}/staging", *sorted(plan.dates), *plan.whole]

    def _variables(self, plan: Plan) -> dict[str, Any]:
        return {
            "mart_dates": {name: [[a.isoformat(), b.isoformat()] for a, b in stretches] for name, stretches in self._stretches(plan).items()},
            "as_of": plan.as_of.isoformat() if plan.as_of is not None else None,
            **self.variables,
        }

    def _stretches(self, plan: Plan) -> dict[str, tuple[DateRange, ...]]:
        return {spec.name: tuple(ranges(plan.dates[spec.name], spec.parsed_reach.step)) for spec in self.specs if spec.name in plan.dates}

    def _say(self, line: str) -> None:
        if " of " in line and any(word in line for word in (" OK ", " PASS ", " ERROR ", " FAIL ", " WARN ")):
            self.progress(line)

    def _finish(self) -> dict[str, int]:
        """Take the sources and staging out of the file; returns the rows of each table that is left."""
        import duckdb

        with duckdb.connect(str(self.file)) as con:
            schemas = [
                row[0]
                for row in con.execute(
                    "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal"
                ).fetchall()
            ]
            for schema in schemas:
                if schema != "main":
                    con.execute(f'DROP SCHEMA "{schema}" CASCADE')
            tables = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' ORDER BY 1").fetchall()]
            rows = {name: int(con.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0]) for name in tables}
            con.execute("CHECKPOINT")
        return rows

    def _record(self, plan: Plan, base: VersionRecord | None, clean: CleanVersion, kept: dict[dt.date, int], rows: dict[str, int]) -> VersionRecord:
        number = (self.current.number if self.current is not None else max(publish.versions(self.lake, self.dataset), default=0)) + 1
        prefix = self.lake.store.uri("")
        files = {day: tuple(uri.removeprefix(prefix).lstrip("/") for uri in uris) for day, uris in clean.by_day.items()}
        old = base.days if base is not None else {}
        return VersionRecord(
            number=number,
            dataset=self.dataset.name,
            built_at=self.lake.now(),
            clean_version=clean.version,
            days={day: BuiltDay(name, kept[day], files.get(day, ())) if day in plan.changed else old[day] for day, name in plan.days.items()},
            coverage=dict(self.coverage),
            as_of=plan.as_of,
            models={**self._stretches(plan), **dict.fromkeys(plan.whole, ())},
            rows=rows,
            recipe=self.recipe,
            variables=self.variables,
            file=publish.file_for(self.dataset.name, number, self.id),
            reason=plan.reason,
            seconds=self._seconds(),
            dimensions={name: version.digest for name, version in self.dimensions.items()},
            software={name: importlib.metadata.version(name) for name in SOFTWARE},
        )

    def _unwritable(self, reason: str) -> TerminalError:
        return TerminalError(
            f"The marts of {self.dataset.name} could not be built in {self.folder}: {reason.rstrip('.')}. The published version "
            "stays. Look at what it names, at free space and at the rights of the folder, then publish again: lakehouse replay --stale"
        )

    def _refused(self, result: DbtRun) -> TerminalError:
        if result.unwritten is not None:  # and nothing is kept for a look, for that is part of what fills the disk
            return self._unwritable(result.unwritten)
        (self.folder / FAILED).touch()
        bad = [m for m in result.models if m.status == "error"]
        red = [t for t in result.tests if t.status in ("fail", "error")]
        lines = [f"model {m.name}: {m.message}" for m in bad]
        lines += [
            f"test {t.name} of {t.model}: {f'{t.failures:,} rows failed it' if t.status == 'fail' else t.message}. SQL: {t.compiled}" for t in red
        ]
        told = "\n".join(f"  {line}" for line in lines) or f"  dbt built nothing; its log is {self.target / 'dbt.log'}"
        message = (
            f"The marts of {self.dataset.name} were not published, because {len(bad)} models and {len(red)} tests are red. "
            f"The published version stays. The build is kept for a look until the next one: {self.file}\n{told}"
        )
        return MartsRefusedError(message, tests=result.tests, models=result.models)

    def _seconds(self) -> float:
        return round(time.monotonic() - self.began, 3)


def _built_days(con: duckdb.DuckDBPyConnection, plan: Plan, kept: Mapping[dt.date, int]) -> None:
    days = list(plan.days)
    table = pa.table(
        {
            "day": pa.array(days, pa.date32()),
            "fingerprint": pa.array([plan.days[day] for day in days], pa.int64()),
            "kept": pa.array([kept[day] for day in days], pa.int64()),
            "rebuilt": pa.array([day in plan.changed for day in days], pa.bool_()),
        }
    )
    con.register("_built_days", table)
    con.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.built_days AS SELECT * FROM _built_days")
    con.unregister("_built_days")
