"""The samples of the demo, by the kind of source: where each lies in the demo lake, what of it is there at first, and what comes late."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.accounts.truth import TRUTH_FILE
from lakehouse.datasets.model import Dataset, FileSource, ReportsApiSource
from lakehouse.errors import ConfigurationError
from lakehouse.operations.truth import TruthTerm, compare, generator_of
from lakehouse.settings import DatasetSettings, Lake

if TYPE_CHECKING:
    from lakehouse.cli.work import Advance
    from lakehouse.defs.run import Materialized

# The demo's now never moves, so that everybody sees the same numbers. One in the morning: yesterday's sweep is due, and what comes late is in it.
NOW = dt.datetime(2026, 11, 20, 1, tzinfo=dt.UTC)
FOLDER = "demo"
_SETTLED = 3600.0  # seconds: a file that has just been written would be left for the next look

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sample(ABC):
    """The sample of one dataset in a demo lake. `root`: the folder of the lake."""

    root: Path
    dataset: Dataset

    @property
    def place(self) -> str:
        """Its folder, relative to the lake."""
        return f"{FOLDER}/{self.dataset.name}"

    @property
    def settings(self) -> DatasetSettings:
        """The settings of the dataset in the demo lake."""
        start = (NOW - dt.timedelta(days=generator_of(self.dataset).DEMO_DAYS)).date()
        return DatasetSettings(start=start, source=self.source_settings())

    @property
    def first_look(self) -> dt.datetime:
        """The lake's time at the first look. The events of files are all over by now: an earlier clock would take some for events of the future."""
        return NOW

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where the generator writes to."""

    @abstractmethod
    def source_settings(self) -> dict[str, Any]:
        """Where the lake reads it from."""

    @abstractmethod
    def read(self, lake: Lake, advance: Advance) -> Materialized:
        """Land what is new, as the sensor would."""

    @abstractmethod
    def truth(self, lake: Lake) -> list[TruthTerm]:
        """The lake against the truth of the generator."""

    def generate(self, progress: Progress | None = None) -> bool:
        """Write the sample; False where it is there already."""
        if (self.folder / TRUTH_FILE).is_file():
            return False
        if self.folder.is_dir():  # of a demo that was interrupted
            shutil.rmtree(self.folder)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        generator_of(self.dataset).small_demo(self.folder, NOW, progress=progress)
        return True

    @abstractmethod
    def arrive(self, *, late: bool) -> str:
        """Let the source show what is there at first, or what comes late as well. Returns in words what that is."""


class ApiSample(Sample):
    """Activities that the local Reports API serves: what comes late is what it tells of only when the clock has moved on."""

    @property
    def folder(self) -> Path:
        """The folder that is served."""
        return self.root / self.place

    @property
    def first_look(self) -> dt.datetime:
        """Before the API tells of what is late."""
        look: dt.timedelta = generator_of(self.dataset).DEMO_FIRST_LOOK
        return NOW - look

    def source_settings(self) -> dict[str, Any]:
        """The simulated source, and what the generator wants to be set beside it."""
        return {"simulated": self.place, **generator_of(self.dataset).DEMO_SOURCE}

    def read(self, lake: Lake, advance: Advance) -> Materialized:
        """Fetch what the plan names."""
        from lakehouse.defs.run import materialize_planned

        return materialize_planned(lake, self.dataset, advance=advance)

    def truth(self, lake: Lake) -> list[TruthTerm]:
        """Of what the API shows by the lake's clock."""
        return compare(lake, self.dataset, self.folder / TRUTH_FILE, visible_until=lake.now())

    def arrive(self, *, late: bool) -> str:
        """Nothing to do: the API goes by the clock."""
        return "the API now tells of what it had kept back" if late else "the API keeps something back"


class FileSample(Sample):
    """Files that appear in the inbox, and those that come later."""

    @property
    def folder(self) -> Path:
        """The files, before they arrive."""
        return self.root / self.place / "sample"

    def source_settings(self) -> dict[str, Any]:
        """An inbox of its own."""
        return {"inbox": f"{self.place}/inbox"}

    def read(self, lake: Lake, advance: Advance) -> Materialized:
        """Ingest the inbox."""
        from lakehouse.defs.run import materialize_ingest

        return materialize_ingest(lake, self.dataset, advance=advance)

    def truth(self, lake: Lake) -> list[TruthTerm]:
        """Of all files."""
        return compare(lake, self.dataset, self.folder / TRUTH_FILE)

    def arrive(self, *, late: bool) -> str:
        """Put files into the inbox, as if they had been written a while ago. Those that are there stay as they are."""
        inbox, came = self.root / self.place / "inbox", 0
        source = self.folder / ("late" if late else "first")
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            target = inbox / file.relative_to(source)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                written = time.time() - _SETTLED
                os.utime(shutil.copyfile(file, target), (written, written))
                came += 1
        return f"{came:,} files {'arrive late' if late else 'are in the inbox'}"


def sample_of(root: Path, dataset: Dataset) -> Sample:
    """The sample of a dataset, by the kind of its source. `ConfigurationError` for one without a source or a generator."""
    generator_of(dataset)
    match dataset.source:
        case ReportsApiSource():
            return ApiSample(root, dataset)
        case FileSource():
            return FileSample(root, dataset)
        case None:
            raise ConfigurationError(f"{dataset.name} has no source, so the demo cannot show how it is read.")
