"""One file as its feed's format has it."""

from __future__ import annotations

from collections.abc import Iterator

from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import CombinedLog, Csv, Dimension, JsonDocument, JsonLines
from lakehouse.sources.files.access_log import read_access_log
from lakehouse.sources.files.batch import Batch
from lakehouse.sources.files.content import Content
from lakehouse.sources.files.csv_text import read_csv
from lakehouse.sources.files.inbox import FoundFile
from lakehouse.sources.files.json_text import read_json_document, read_json_lines


class FileReader:
    """Reads one file once. `sha256` is true when it was iterated to its end, which fails for a file that is damaged or changed meanwhile."""

    def __init__(self, file: FoundFile, contract: Contract | Dimension) -> None:
        self._content = Content(file)
        self._form = file.feed.format
        if isinstance(contract, Dimension):
            self._declared, self._wanted = {column.path or column.name for column in contract.columns}, set[str]()
        else:
            self._declared, self._wanted = {field.name for field in contract.record.fields}, {time.path for time in contract.times}

    @property
    def sha256(self) -> str:
        """The hash of the file as it lies there, hexadecimal."""
        return self._content.sha256

    def __iter__(self) -> Iterator[Batch]:
        """The lines, many at a time. Errors are those of `content.Content.texts` and of the formats."""
        match self._form:
            case JsonLines():
                yield from read_json_lines(self._content)
            case JsonDocument():
                yield from read_json_document(self._content, self._form)
            case Csv():
                yield from read_csv(self._content, self._form, known=self._declared, wanted=self._wanted)
            case CombinedLog():
                yield from read_access_log(self._content, wanted=self._wanted)


def hash_of(file: FoundFile) -> str:
    """The hash of a file as it lies there, hexadecimal. Raises `TransientError` for one that changes while it is read, or is gone."""
    return Content(file).drain()
