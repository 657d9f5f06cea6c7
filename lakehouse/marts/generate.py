"""Writes what is derived and committed: dbt sources, models of windows, `marts.json`, tables in `docs/`. `python -m lakehouse.marts.generate`"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import msgspec

from lakehouse.datasets.registry import all_datasets
from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.marts.dbt import dbt_project, run_dbt
from lakehouse.marts.page import dataset_page, page_path
from lakehouse.marts.reach import Reach
from lakehouse.marts.sources import sources_path, sources_yaml
from lakehouse.marts.specs import SPECS_FILE, MartColumn, MartSpec, MartTest, Question
from lakehouse.marts.windows import window_models

Node = Mapping[str, Any]
STAGING = "staging"


def marts_json() -> bytes:
    """The text of `marts.json`, from the manifest of a fresh `dbt parse`. Raises `TerminalError` when the project does not parse."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        said: list[str] = []
        if not run_dbt(["parse"], target=target, line=said.append):
            raise TerminalError("The dbt project does not parse:\n" + "\n".join(said))
        manifest = msgspec.json.decode((target / "manifest.json").read_bytes())
    return msgspec.json.format(msgspec.json.encode(specs_of(manifest)), indent=1) + b"\n"


def specs_of(manifest: Mapping[str, Any]) -> list[MartSpec]:
    """The marts of a dbt manifest, each after those it reads. Raises `ConfigurationError` for a model that does not declare what it must."""
    nodes: Mapping[str, Node] = manifest["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    tests: dict[str, list[MartTest]] = {}
    grains: dict[str, tuple[str, ...]] = {}
    for node in sorted((n for n in nodes.values() if n["resource_type"] == "test"), key=lambda n: str(n["name"])):
        kind = node["test_metadata"]["name"]
        tests.setdefault(node["attached_node"], []).append(MartTest(node["name"], kind, node["column_name"]))
        if kind == "unique_grain":
            grains[node["attached_node"]] = tuple(node["test_metadata"]["kwargs"]["columns"])
    order = TopologicalSorter({key: [p for p in sorted(node["depends_on"]["nodes"]) if p in models] for key, node in sorted(models.items())})
    marts = [key for key in order.static_order() if _area(models[key]) != STAGING]
    return [_spec(key, models, tuple(tests.get(key, ())), grains.get(key, ())) for key in marts]


def _spec(key: str, models: Mapping[str, Node], tests: tuple[MartTest, ...], grain: tuple[str, ...]) -> MartSpec:
    node = models[key]
    meta = node["config"]["meta"]
    spec = MartSpec(
        name=node["name"],
        dataset=node["fqn"][1],
        area=_area(node),
        description=node["description"].strip(),
        columns=tuple(MartColumn(c["name"], c["data_type"], c["description"].strip()) for c in node["columns"].values()),
        grain=grain,
        reach=str(meta.get("reach", "")),
        accounts=bool(meta.get("accounts", False)),
        source_predicate=meta.get("source_predicate"),
        derives_from=meta.get("derives_from"),
        explain=meta.get("explain"),
        explain_counts=meta.get("explain_counts"),
        explain_quarantine=meta.get("explain_quarantine"),
        explain_quarantine_counts=meta.get("explain_quarantine_counts"),
        questions=tuple(Question(q["ask"], q["sql"]) for q in meta.get("questions", ())),
        tests=tests,
        depends_on=tuple(sorted(models[p]["name"] for p in node["depends_on"]["nodes"] if p in models and _area(models[p]) != STAGING)),
        sources=tuple(sorted(_sources(key, models))),
    )
    _check(spec)
    return spec


def _check(spec: MartSpec) -> None:
    where = f"The mart {spec.name} (dbt_project/models/{spec.dataset}/{spec.area})"
    try:
        Reach.parse(spec.reach)
    except ValueError as error:
        raise ConfigurationError(f"{where} has no good `meta.reach`. {error}") from error
    if not spec.grain or not spec.description:
        raise ConfigurationError(f"{where} needs a description and a `unique_grain` test, which says what a row is.")
    if spec.accounts == (spec.derives_from is not None):
        raise ConfigurationError(
            f"{where} must either account for rows of clean (`meta.accounts: true`) or name the mart it derives from (`meta.derives_from`)."
        )
    if spec.explain is None and spec.explain_quarantine is None:
        raise ConfigurationError(
            f"{where} must say what a row of it is made of: rows of clean (`meta.explain`) or of quarantine (`meta.explain_quarantine`)."
        )


def _area(node: Node) -> str:
    return str(node["fqn"][2])


def _sources(key: str, models: Mapping[str, Node]) -> set[str]:
    found: set[str] = set()
    for parent in models[key]["depends_on"]["nodes"]:
        if parent.startswith("source."):
            found.add(parent.rsplit(".", 1)[1])
        elif parent in models and _area(models[parent]) == STAGING:
            found |= _sources(parent, models)
    return found


def main() -> None:
    """Write everything anew."""
    for dataset in all_datasets():
        path = sources_path(dataset.name)
        if path.parent.is_dir():
            path.write_text(sources_yaml(dataset.contract, dataset.dimensions), encoding="utf-8")
            sys.stdout.write(f"{path}\n")
        for model, text in window_models(dataset):
            model.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{model}\n")
    path = dbt_project() / SPECS_FILE
    path.write_bytes(marts_json())
    sys.stdout.write(f"{path}\n")
    specs = msgspec.json.decode(path.read_bytes(), type=list[MartSpec])
    for dataset in all_datasets():
        page = page_path(dataset.name)
        if page.is_file():
            page.write_text(dataset_page(dataset, specs, page.read_text(encoding="utf-8")), encoding="utf-8")
            sys.stdout.write(f"{page}\n")


if __name__ == "__main__":
    main()
