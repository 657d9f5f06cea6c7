"""The files of a new dataset as text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from lakehouse.scaffold.code import Call, code, layout, names, text
from lakehouse.scaffold.infer import Inferred

_TEMPLATES = Path(__file__).parent / "templates"


def render(inferred: Inferred) -> dict[str, str]:
    """Path below the checkout -> text."""
    name = inferred.name
    folder, marts = f"lakehouse/datasets/{name}", f"dbt_project/models/{name}"
    words = name.replace("_", " ")
    same = {"name": name, "words": words, "title": words.capitalize(), "id": inferred.id, "repeat": inferred.repeat}
    return {
        f"{folder}/__init__.py": _filled("init.py", **same),
        f"{folder}/contract.py": _filled("contract.py", **same, **_contract(inferred)),
        f"{folder}/transform.py": _filled("transform.py", **same, **_transform(inferred)),
        f"{folder}/dataset.py": _filled("dataset.py", **same, **_dataset(inferred)),
        f"{folder}/generator/__init__.py": _filled("generator.py", **same),
        f"{folder}/generator/fields.py": _filled("fields.py", **same, **_fields(inferred)),
        f"{marts}/staging/stg_{name}_events.sql": _filled("staging.sql", **same, columns=_selected(inferred)),
        f"{marts}/activity/{name}_daily.sql": _filled("daily.sql", **same),
        f"{marts}/activity/_activity.yml": _filled("daily.yml", **same),
        f"lakehouse_tests/datasets/{name}/test_{name}.py": _filled("test.py", **same),
        f"docs/{name}.md": _filled("page.md", **same, feeds=inferred.feeds, routed_by=f"`{inferred.time.dotted}`"),
    }


def _contract(inferred: Inferred) -> dict[str, Any]:
    types = names(inferred.record) | names(inferred.columns) | names(inferred.record_time) | {"Contract"}
    return {
        "imports": _imported(types),
        "record": layout(code(inferred.record), "RECORD = "),
        "columns": layout(code(inferred.columns), "COLUMNS = "),
        "key": ", ".join(text(column) for column in inferred.key),
        "time": _line(inferred.record_time),
        "history": inferred.history,
        "left_out": [f"# Left to _extra: {path[:80]!r} ({why})." for path, why in inferred.left_out.items()],
    }


def _transform(inferred: Inferred) -> dict[str, Any]:
    used = ["plain_rows", *(["line_hashes", "repeat_numbers"] if inferred.repeat is not None else [])]
    options = [*(["times=TIMES"] if inferred.formats else []), *(["nothing=NOTHING"] if inferred.nothing else [])]
    return {
        "imports": ", ".join(sorted(used)),
        "times": _dictionary("TIMES = ", inferred.formats) if inferred.formats else "",
        "nothing": layout(code(inferred.nothing), "NOTHING = ") if inferred.nothing else "",
        "call": f"plain_rows({', '.join(['records', 'contract', *options])})",
    }


def _dataset(inferred: Inferred) -> dict[str, Any]:
    return {
        "imports": ", ".join(sorted({"Dataset", "FileSource", "Trend"} | names(inferred.feeds))),
        "feeds": layout(code(inferred.feeds), "FEEDS = "),
    }


def _fields(inferred: Inferred) -> dict[str, Any]:
    sketch = inferred.sketch
    imports = [
        f"from lakehouse.datasets.model import {', '.join(sorted(names(sketch.format)))}",
        "from lakehouse.datasets.sample_files import Sketch",
        f"from lakehouse.datasets.sketch import {_imported(names(sketch.fields))}",
    ]
    told = Call("Sketch", [("", "FIELDS"), ("", text(sketch.time)), ("", code(sketch.format)), ("", text(sketch.suffix))])
    return {"imports": "\n".join(imports), "fields": layout(code(sketch.fields), "FIELDS = "), "sketch": layout(told, "SKETCH = ")}


def _line(value: Any) -> str:
    told = code(value)
    return told if isinstance(told, str) else told.line()


def _dictionary(head: str, told: dict[str, str]) -> str:
    items = [f"{text(key)}: {text(value)}" for key, value in told.items()]
    line = f"{head}{{{', '.join(items)}}}"
    return line if len(line) <= 150 else f"{head}{{\n" + "".join(f"    {item},\n" for item in items) + "}"


def _imported(types: Iterable[str]) -> str:
    line = ", ".join(sorted(types))
    return line if len(line) < 100 else "(\n" + "".join(f"    {name},\n" for name in sorted(types)) + ")"


def _selected(inferred: Inferred) -> list[str]:
    """The columns of the staging model; those that are words of SQL in quotes."""
    import duckdb

    with duckdb.connect() as con:
        reserved = {row[0] for row in con.execute("select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'").fetchall()}
    return [f'"{column.name}"' if column.name in reserved else column.name for column in inferred.columns if column.name != "event_time"]


def _filled(template: str, **values: Any) -> str:
    found: str = _environment().get_template(f"{template}.jinja").render(**values)
    return _sorted_imports(found) if template.endswith(".py") else found


def _sorted_imports(source: str) -> str:
    """Our own imports in their order, which depends on the name of the dataset."""
    lines = source.split("\n")
    places = [place for place, line in enumerate(lines) if line.startswith("from lakehouse.") and not line.endswith("(")]
    for place, line in zip(places, sorted((lines[p] for p in places), key=lambda line: line.split()[1]), strict=True):
        lines[place] = line
    return "\n".join(lines)


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # noqa: S701  code and Markdown, no HTML
        loader=FileSystemLoader(_TEMPLATES), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
