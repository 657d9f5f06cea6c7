"""What is declared of each mart: read from `dbt_project/marts.json`, which `python -m lakehouse.marts.generate` writes. dbt is not imported."""

from __future__ import annotations

from functools import cache

import msgspec

from lakehouse.errors import ConfigurationError, LakeFormatError
from lakehouse.marts.reach import Reach
from lakehouse.settings import project_root

SPECS_FILE = "marts.json"


class MartColumn(msgspec.Struct, frozen=True):
    """One column. `type` is DuckDB's name of it."""

    name: str
    type: str
    description: str


class MartTest(msgspec.Struct, frozen=True):
    """A test of a mart. `kind` is the generic test that it is of, `column` the column it is about, if it is about one."""

    name: str
    kind: str
    column: str | None = None


class Question(msgspec.Struct, frozen=True):
    """A question in words and the SQL that answers it from the published file."""

    ask: str
    sql: str


class MartSpec(msgspec.Struct, frozen=True):
    """One mart: a table of the published file.

    `grain`: the columns that make a row unique. `reach`: see `lakehouse.marts.reach`. `accounts`: the mart has `_source_rows`, which add up to the
    rows of clean that `source_predicate` holds for (all, where it is None). `explain`: SQL over clean with `{column}` placeholders, which holds for
    the rows behind a row of the mart (`{as_of}` and the dataset's `mart_variables` are of the version, `{lateness_buckets}` of the software; a mart
    that it is made of is `marts.<name>`); where `explain_counts` names a column, there are as many as it says. `explain_quarantine` and
    `explain_quarantine_counts`: the same over quarantine; one of the two is declared, or both.
    `depends_on`: marts that it reads; `sources`: tables of schema `lake` that it reads, through staging too.
    """

    name: str
    dataset: str
    area: str
    description: str
    columns: tuple[MartColumn, ...]
    grain: tuple[str, ...]
    reach: str
    accounts: bool
    source_predicate: str | None
    derives_from: str | None
    explain: str | None
    explain_counts: str | None
    explain_quarantine: str | None
    explain_quarantine_counts: str | None
    questions: tuple[Question, ...]
    tests: tuple[MartTest, ...]
    depends_on: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def parsed_reach(self) -> Reach:
        """The reach, parsed; `ValueError` when the model declares none that exists."""
        return Reach.parse(self.reach)

    @property
    def dated(self) -> bool:
        """Whether the mart is built by its column `mart_date`, and not always as a whole."""
        return self.parsed_reach.kind not in ("all", "published")


def mart_specs(dataset: str) -> tuple[MartSpec, ...]:
    """The marts of a dataset, each after those it reads; none for a dataset without models."""
    return tuple(spec for spec in _all_specs() if spec.dataset == dataset)


def find_mart(name: str) -> MartSpec:
    """The mart of that name; `ConfigurationError` when there is none."""
    for spec in _all_specs():
        if spec.name == name:
            return spec
    known = ", ".join(sorted(spec.name for spec in _all_specs()))
    raise ConfigurationError(f"There is no mart {name!r}. Expected one of: {known}.")


@cache
def _all_specs() -> tuple[MartSpec, ...]:
    path = project_root() / "dbt_project" / SPECS_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[MartSpec, ...])
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise LakeFormatError(f"{path} cannot be read: {error}. Write it with: python -m lakehouse.marts.generate") from error
