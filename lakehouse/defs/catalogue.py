"""What the catalogue says of an asset: description, columns, owners, tags, kinds. All of it comes from the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import msgspec

from lakehouse.contracts.model import Column, Contract
from lakehouse.contracts.quarantine import QUARANTINE
from lakehouse.contracts.types import type_name
from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.marts.specs import MartSpec
from lakehouse.pictures.charts import duration


def raw_key(dataset: str) -> dg.AssetKey:
    """`raw/<dataset>`."""
    return dg.AssetKey(["raw", dataset])


def ingest_key(dataset: str) -> dg.AssetKey:
    """`ingest/<dataset>`."""
    return dg.AssetKey(["ingest", dataset])


def ingest_pool(dataset: str) -> str:
    """The pool of what ingests a dataset."""
    return f"ingest_{dataset}"


def clean_key(dataset: str) -> dg.AssetKey:
    """`clean/<dataset>`."""
    return dg.AssetKey(["clean", dataset])


def quarantine_key(dataset: str) -> dg.AssetKey:
    """`quarantine/<dataset>`."""
    return dg.AssetKey(["quarantine", dataset])


def dimension_key(dataset: str, dimension: str) -> dg.AssetKey:
    """`dimensions/<dataset>/<dimension>`."""
    return dg.AssetKey(["dimensions", dataset, dimension])


def mart_key(model: str) -> dg.AssetKey:
    """`marts/<model>`."""
    return dg.AssetKey(["marts", model])


ASKED_AGAIN = (
    "Materializing a partition asks the source for it again and adds what is new; nothing is ever replaced.",
    "The metadata shows the totals of the partition beside what this fetch brought.",
)


def raw_description(dataset: Dataset, filled: Sequence[str]) -> str:
    """What raw holds, and how it is `filled`, in sentences."""
    contract, grain = dataset.contract, dataset.contract.grain
    told = [f"Grain: one line per record, one partition per {grain}.", *filled]
    first = f"**{contract.title}, as it was read.** Verbatim lines, never changed, routed by {contract.routed_by} (UTC).\n"
    return "\n".join([first, *(f"* {sentence}" for sentence in told)])


def ingest_description(dataset: Dataset, source: FileSource) -> str:
    """What materializing it does, and which files it takes."""
    feeds = "\n".join(f"* Feed `{feed.name}`: {', '.join(f'`{pattern}`' for pattern in feed.patterns)}." for feed in source.feeds)
    return (
        f"**Lands the new files of {dataset.name}.** Each file becomes one manifest; a file whose content has landed before is left alone, a file "
        "that cannot be read is named and the others go on.\n\n"
        f"{feeds}\n"
        f"* The inbox is `inbox/{dataset.name}` in the lake, unless lake.json names another folder or bucket prefix.\n"
        f"* It tells the partitions of `raw/{dataset.name}` that it touched."
    )


def clean_description(dataset: Dataset) -> str:
    """Grain, key, order, lateness and freshness of the clean table."""
    contract = dataset.contract
    late = f"up to {contract.lateness_told} after their event" if contract.holds_late else "no matter how late they come"
    return (
        f"**{contract.title}, deduplicated.** {contract.description}\n\n"
        f"* Key: {', '.join(f'`{k}`' for k in contract.key)}.\n"
        f"* Partition: `event_date`, the UTC day of the {contract.grain} that holds the record; sorted by `{contract.event_time}`.\n"
        f"* Late records are taken in {late}: the day they belong to is built again.\n"
        f"* Fresh: built at most {duration(int(contract.freshness.total_seconds()))} ago.\n"
        f"* Contract {contract.version}, transform {contract.transform_version}.\n"
        "* Building a day twice from the same lines changes nothing."
    )


def quarantine_description(dataset: Dataset) -> str:
    """What quarantine holds and where its text is."""
    return (
        f"**What did not make it into clean/{dataset.name}**: rule, part and line of every refused line and row, never its text.\n\n"
        f"* Written by the same run that builds the day: to build it, materialize `clean/{dataset.name}`.\n"
        "* See a line with `lakehouse quarantine show`, mend it with `lakehouse quarantine redrive`.\n"
        "* Rows of level `held` are sound and came too late: admit them with `lakehouse quarantine release`."
    )


def mart_description(spec: MartSpec) -> str:
    """What a mart tells, its grain, what it accounts for and how far a changed day reaches."""
    account = "It accounts for every row of clean" + (f" where `{spec.source_predicate}`." if spec.source_predicate else ".")
    lines = [
        f"**{spec.description}**\n",
        f"* Grain: {', '.join(f'`{c}`' for c in spec.grain)}.",
        f"* A changed day of clean rebuilds: {spec.reach}.",
        f"* {account if spec.accounts else f'It derives from `{spec.derives_from}`, which accounts for the rows.'}",
        *(f"* {q.ask}\n\n  ```sql\n  {q.sql}\n  ```" for q in spec.questions),
    ]
    return "\n".join(lines)


def mart_definition(spec: MartSpec) -> dict[str, Any]:
    """Metadata of the definition of a mart: columns, name for `lakehouse sql`."""
    columns = [
        dg.TableColumn(c.name, c.type, c.description, constraints=dg.TableColumnConstraints(other=["grain"] if c.name in spec.grain else []))
        for c in spec.columns
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns), "dagster/table_name": f"marts.{spec.name}", "reach": spec.reach}


def mart_version(spec: MartSpec) -> str:
    """Changes when what is declared of the mart does."""
    return hashlib.blake2b(msgspec.json.encode(spec), digest_size=6).hexdigest()


def tags_of(contract: Contract, layer: str) -> Mapping[str, str]:
    """The contract's tags and the layer."""
    return {**dict(contract.tags), "layer": layer}


def column_schema(columns: tuple[Column, ...]) -> dg.TableSchema:
    """Columns with types, meaning and constraints, for the page of the asset."""
    return dg.TableSchema(columns=[_column(c) for c in columns])


def table_metadata(dataset: Dataset, layer: str) -> dict[str, Any]:
    """Metadata of the definition: column schema and names."""
    columns = dataset.contract.table_columns if layer == "clean" else QUARANTINE
    return {"dagster/column_schema": column_schema(columns), "dagster/table_name": f"{layer}.{dataset.name}"}


def _column(column: Column) -> dg.TableColumn:
    return dg.TableColumn(
        name=column.name,
        type=type_name(column.type),
        description=column.description,
        constraints=dg.TableColumnConstraints(nullable=column.nullable, other=_constraints(column)),
        tags={"pii": column.pii} if column.pii else None,
    )


def _constraints(column: Column) -> list[str]:
    said = []
    if column.minimum is not None:
        said.append(f">= {column.minimum}")
    if column.maximum is not None:
        said.append(f"<= {column.maximum}")
    if column.pattern is not None:
        said.append(f"matches {column.pattern}")
    if column.allowed is not None:
        said.append(f"{'known' if column.open_vocabulary else 'one of'}: {', '.join(column.allowed)}")
    if column.unit is not None:
        said.append(f"in {column.unit}")
    return said
