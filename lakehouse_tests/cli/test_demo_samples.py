"""Every dataset can be shown: its generator writes what the demo expects, and tells how far it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.cli.demo_samples import FileSample, sample_of
from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.datasets.registry import all_datasets
from lakehouse.marts.specs import find_mart
from lakehouse.sources.files.inbox import find_files


@pytest.mark.parametrize("dataset", [d for d in all_datasets() if isinstance(d.source, FileSource)], ids=lambda d: d.name)
def test_the_sample_of_the_demo_has_files_of_feeds_at_first_and_later_and_is_written_once(dataset: Dataset, tmp_path: Path) -> None:
    sample, told = sample_of(tmp_path, dataset), []
    assert isinstance(sample, FileSample)
    assert isinstance(dataset.source, FileSource)
    sample.folder.mkdir(parents=True)  # of a demo that was interrupted
    (sample.folder / "half").touch()
    assert sample.generate(lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0
    assert not (sample.folder / "half").exists()
    assert not sample.generate()
    for late in (False, True):
        assert sample.arrive(late=late)[0] != "0"
    assert sample.arrive(late=True).startswith("0 files")
    inbox = tmp_path / sample.source_settings()["inbox"]
    names = {feed.name for feed in dataset.source.feeds} | {dimension.name for dimension in dataset.dimensions}
    assert names >= {file.feed.name for file in find_files(dataset, [str(inbox)]).files} != set()


@pytest.mark.parametrize("dataset", all_datasets(), ids=lambda d: d.name)
def test_a_dataset_shows_one_to_three_marts_of_its_own_that_each_answer_a_question(dataset: Dataset) -> None:
    assert 1 <= len(dataset.showcase) <= 3
    assert all(find_mart(name).dataset == dataset.name and find_mart(name).questions for name in dataset.showcase)
