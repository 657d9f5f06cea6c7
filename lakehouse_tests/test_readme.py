"""The README tells of every dataset, and leads nowhere that is not there."""

from __future__ import annotations

import re

from lakehouse.datasets.registry import all_datasets
from lakehouse.settings import project_root

README = (project_root() / "README.md").read_text()


def test_the_readme_names_every_dataset_with_its_page() -> None:
    told = re.findall(r"^\| \[`(\w+)`\]\(docs/(\w+)\.md\) \|", README, re.MULTILINE)
    assert sorted(told) == [(dataset.name, dataset.name) for dataset in all_datasets()]


def test_every_place_of_the_project_that_the_readme_leads_to_is_there() -> None:
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", README) if "://" not in link}
    folders = {name for row in re.findall(r"^\| (`[a-z_./`, ]+/`) \|", README, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)}
    assert len(links) > 5
    assert len(folders) > 5
    assert [place for place in sorted(links | folders) if not (project_root() / place).exists()] == []
