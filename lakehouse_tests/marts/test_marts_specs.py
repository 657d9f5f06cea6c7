"""What the marts declare, and that what is generated from declarations is current."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml

from lakehouse.accounts.books import Books
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.errors import ConfigurationError
from lakehouse.marts.dbt import dbt_project
from lakehouse.marts.explain import placeholders
from lakehouse.marts.generate import marts_json, specs_of
from lakehouse.marts.reach import Reach
from lakehouse.marts.sources import SCHEMA, sources_path, sources_yaml
from lakehouse.marts.specs import MartSpec, find_mart, mart_specs
from lakehouse.settings import open_lake
from lakehouse.tables.views import register_views

WITH_MARTS = [d for d in all_datasets() if sources_path(d.name).parent.is_dir()]
ALL = [spec for dataset in WITH_MARTS for spec in mart_specs(dataset.name)]
AGAIN = "Write it anew with: python -m lakehouse.marts.generate"
every_mart = pytest.mark.parametrize("spec", ALL, ids=lambda s: s.name)


def test_the_committed_specs_are_those_of_the_dbt_project() -> None:
    assert (dbt_project() / "marts.json").read_bytes() == marts_json(), AGAIN


@pytest.mark.parametrize("dataset", WITH_MARTS, ids=lambda d: d.name)
def test_the_committed_sources_are_those_of_the_contract(dataset) -> None:
    assert sources_path(dataset.name).read_text(encoding="utf-8") == sources_yaml(dataset.contract, dataset.dimensions), AGAIN


def test_the_sources_declare_columns_that_the_views_have(tmp_path: Path) -> None:
    dataset = WITH_MARTS[0]
    with duckdb.connect() as con:
        register_views(con, open_lake(tmp_path), dataset.contract, SCHEMA)
        clean = [row[0] for row in con.execute(f"DESCRIBE {SCHEMA}.clean").fetchall()]
        assert clean == [c.name for c in dataset.contract.table_columns]
        (source,) = yaml.safe_load(sources_yaml(dataset.contract))["sources"]
        for name, columns in ((table["name"], [column["name"] for column in table["columns"]]) for table in source["tables"]):
            if name != "built_days":
                there = {row[0] for row in con.execute(f"DESCRIBE {SCHEMA}.{name}").fetchall()}
                assert set(columns) <= there, name


def test_the_source_of_the_books_declares_every_term_of_them() -> None:
    (source,) = yaml.safe_load(sources_yaml(WITH_MARTS[0].contract))["sources"]
    (books,) = (table for table in source["tables"] if table["name"] == "books")
    assert [column["name"] for column in books["columns"]][-len(Books.__struct_fields__) :] == list(Books.__struct_fields__)


def test_there_are_marts_for_every_area() -> None:
    assert {(s.dataset, s.area) for s in ALL} >= {("workspace_audit", area) for area in ("usage", "security", "quality")}


def test_names_are_unique_and_begin_with_the_dataset_or_its_last_word() -> None:
    assert len({s.name for s in ALL}) == len(ALL)
    assert all(s.name.startswith((f"{s.dataset}_", f"{s.dataset.rsplit('_', 1)[-1]}_")) for s in ALL)


@every_mart
def test_every_column_says_what_it_is_and_the_grain_is_made_of_columns(spec: MartSpec) -> None:
    names = [c.name for c in spec.columns]
    assert all(c.description and c.type for c in spec.columns)
    assert spec.grain
    assert set(spec.grain) <= set(names)
    assert ("mart_date" in names) or not spec.dated
    assert ("_source_rows" in names) == spec.accounts


@every_mart
def test_a_mart_reads_clean_only_for_its_own_day(spec: MartSpec) -> None:
    """Then a version of the marts tells of exactly one build per day, and marts over all days stay cheap."""
    reads_clean = {"clean", "quarantine", "books", "lateness"} & set(spec.sources)
    assert not reads_clean or spec.reach == "day"


@every_mart
def test_a_mart_is_rebuilt_wherever_what_it_reads_is(spec: MartSpec) -> None:
    assert all(Reach.parse(spec.reach).covers(find_mart(parent).parsed_reach) for parent in spec.depends_on)


@every_mart
def test_a_mart_comes_after_those_that_it_reads(spec: MartSpec) -> None:
    names = [s.name for s in ALL]
    assert all(names.index(parent) < names.index(spec.name) for parent in spec.depends_on)


@every_mart
def test_a_mart_accounts_for_clean_rows_or_names_one_that_leads_there(spec: MartSpec) -> None:
    while not spec.accounts:
        assert spec.derives_from is not None
        spec = find_mart(spec.derives_from)
    assert "books_close" in {t.kind for t in spec.tests}


@every_mart
def test_every_mart_is_tested_for_its_grain_and_for_nulls(spec: MartSpec) -> None:
    assert {"unique_grain", "never_null"} <= {t.kind for t in spec.tests}


@every_mart
def test_every_mart_says_what_its_rows_are_made_of_in_terms_of_its_columns(spec: MartSpec) -> None:
    names = {c.name for c in spec.columns}
    templates = [template for template in (spec.explain, spec.explain_quarantine) if template is not None]
    assert templates
    assert all(placeholders(template, find_dataset(spec.dataset).mart_variables) <= names for template in templates)
    assert {spec.explain_counts, spec.explain_quarantine_counts} <= names | {None}


@every_mart
def test_a_mart_that_reads_the_quarantine_is_explained_by_it(spec: MartSpec) -> None:
    if "quarantine" in spec.sources:
        assert spec.explain_quarantine is not None
        assert spec.explain is not None or spec.explain_quarantine_counts is not None  # of rows of both kinds one column cannot count each


@every_mart
def test_usage_is_told_with_and_without_the_collector(spec: MartSpec) -> None:
    if (spec.dataset, spec.area) == ("workspace_audit", "usage"):
        assert {c.name for c in spec.columns} & {"includes_collector", "is_collector"}, spec.name


def test_no_model_selects_what_no_column_claims() -> None:
    models = list((dbt_project() / "models").rglob("*.sql"))
    assert models
    assert not [path.name for path in models if re.search(r"\b_extra\b", path.read_text())]


def test_nothing_is_tied_to_now() -> None:
    text = [path.read_text().lower() for folder in ("models", "macros") for path in (dbt_project() / folder).rglob("*.sql")]
    assert not [t for t in text if any(word in t for word in ("now()", "current_date", "current_timestamp", "today()", "getdate"))]


def test_an_unknown_mart_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match="audit_top_users"):
        find_mart("top_users")


def test_a_model_that_declares_too_little_is_refused() -> None:
    node = {
        "resource_type": "model", "name": "audit_x", "fqn": ["lakehouse", "workspace_audit", "usage", "audit_x"], "description": "X.",
        "columns": {}, "depends_on": {"nodes": []}, "config": {"meta": {"reach": "year"}},
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match="'year'"):
        specs_of({"nodes": {"model.lakehouse.audit_x": node}})
    node["config"] = {"meta": {"reach": "day"}}
    with pytest.raises(ConfigurationError, match="unique_grain"):
        specs_of({"nodes": {"model.lakehouse.audit_x": node}})
    node["config"] = {"meta": {"reach": "day", "accounts": True}}
    grain = {
        "resource_type": "test", "name": "x_is_unique", "attached_node": "model.lakehouse.audit_x", "column_name": None,
        "test_metadata": {"name": "unique_grain", "kwargs": {"columns": ["mart_date"]}},
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"meta\.explain_quarantine"):
        specs_of({"nodes": {"model.lakehouse.audit_x": node, "test.x": grain}})


def sql_of(folder: Path) -> str:
    """All SQL below a folder."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.sql")))


def own_sql(dataset: str) -> str:
    """The SQL of the models and macros of a dataset."""
    return "\n".join(sql_of(dbt_project() / kind / dataset) for kind in ("models", "macros"))


def shared_sql() -> str:
    """The macros and tests that all datasets share."""
    return "\n".join([*(path.read_text(encoding="utf-8") for path in (dbt_project() / "macros").glob("*.sql")), sql_of(dbt_project() / "tests")])


def test_no_sql_calls_a_macro_of_another_dataset() -> None:
    """A dataset is built anew when its own files or the shared ones change, and not when those of another dataset do."""
    defined = {d.name: set(re.findall(r"macro (\w+)\(", sql_of(dbt_project() / "macros" / d.name))) for d in WITH_MARTS}
    assert "is_collector" in defined["workspace_audit"]
    users = {d.name: own_sql(d.name) for d in WITH_MARTS} | {"all": shared_sql()}
    called = {name: set(re.findall(r"\b(\w+)\(", text)) for name, text in users.items()}
    assert [(user, owner, name) for user in users for owner in defined if owner != user for name in sorted(called[user] & defined[owner])] == []


def test_a_variable_is_declared_for_all_only_where_more_than_one_dataset_reads_it() -> None:
    """One that changes builds all marts of all datasets anew."""
    project = yaml.safe_load((dbt_project() / "dbt_project.yml").read_text(encoding="utf-8"))
    readers = {name: {d.name for d in WITH_MARTS if f"var('{name}'" in own_sql(d.name)} for name in project["vars"]}
    assert readers
    assert [name for name, of in readers.items() if len(of) < 2 and f"var('{name}'" not in shared_sql()] == []
