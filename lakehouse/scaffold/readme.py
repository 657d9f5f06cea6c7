"""The row of a new dataset in the README."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lakehouse.datasets.model import CombinedLog, Csv, Feed, JsonDocument, JsonLines

_ROW = re.compile(r"^\| \[`\w+`\]\(docs/\w+\.md\) \|.*\n", re.MULTILINE)
_FORMATS: dict[type, str] = {JsonLines: "JSON Lines", JsonDocument: "JSON", Csv: "CSV", CombinedLog: "access logs"}


def with_row(readme: str, name: str, feeds: Iterable[Feed]) -> str:
    """The README with a row of the dataset below those of the others; as it was where it has no such table."""
    rows = list(_ROW.finditer(readme))
    if not rows:
        return readme
    formats = ", ".join(dict.fromkeys(_FORMATS[type(feed.format)] for feed in feeds))
    row = f"| [`{name}`](docs/{name}.md) | {name.replace('_', ' ')} | files: {formats} |\n"
    return readme[: rows[-1].end()] + row + readme[rows[-1].end() :]
