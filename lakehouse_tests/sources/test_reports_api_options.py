"""What the client is told by the lake, the dataset and the environment."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reports_api_helpers import HOUR, NOW, many, told, write_hours

from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger
from lakehouse.operations.status import status
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.applications import applications_of
from lakehouse.sources.reports_api import open_source, options_for, source_options
from lakehouse.sources.reports_api.options import ENV_CREDENTIALS, ENV_SUBJECT, ENV_URL, check_url, unconfigured
from lakehouse.sources.reports_api.retry import RetryPolicy
from lakehouse.steps.applications import counted_applications
from lakehouse.steps.fetch import next_fetch


@pytest.fixture
def dataset() -> Dataset:
    return find_dataset("workspace_audit")


def counts(lake: Lake, dataset: Dataset) -> tuple[str, ...]:
    """What a build asks whether a day is complete."""
    return counted_applications(lake, dataset, load_ledger(lake, dataset.name))


@pytest.fixture
def make_lake(tmp_path: Path) -> Any:
    def make(**source: Any) -> Lake:
        settings = LakeSettings(clock=NOW, datasets={"workspace_audit": DatasetSettings(source=source)})
        return open_lake(tmp_path / "lake").with_settings(settings)

    return make


def test_a_lake_that_says_nothing_asks_google_for_what_the_dataset_declares(make_lake: Any, dataset: Dataset) -> None:
    options = options_for(make_lake(), dataset)
    assert dataset.source is not None
    assert options.url == "https://admin.googleapis.com"
    assert options.applications == dataset.source.applications
    assert options.queries_per_minute == 2400
    assert (options.page_size, options.retention, options.compress) == (1000, dt.timedelta(days=180), True)


def test_the_lake_names_url_applications_subject_and_rate(make_lake: Any, dataset: Dataset) -> None:
    options = options_for(make_lake(url="https://proxy.example.com/", applications=["login"], subject="a@b.c", queries_per_minute=600), dataset)
    assert (options.url, options.applications, options.subject, options.queries_per_minute) == ("https://proxy.example.com", ("login",), "a@b.c", 600)


def test_the_environment_wins(make_lake: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_REPORTS_API_URL", "http://localhost:8765/")
    monkeypatch.setenv("LAKEHOUSE_GOOGLE_SUBJECT", "env@example.com")
    monkeypatch.setenv("LAKEHOUSE_GOOGLE_CREDENTIALS", "/keys/collector.json")
    options = options_for(make_lake(url="https://proxy.example.com", subject="a@b.c"), dataset)
    assert (options.url, options.subject, options.key_file) == ("http://localhost:8765", "env@example.com", Path("/keys/collector.json"))


def test_a_simulated_source_has_no_rate_limit_unless_one_is_set(make_lake: Any, dataset: Dataset) -> None:
    free = options_for(make_lake(url="http://127.0.0.1:8765"), dataset)
    assert (free.simulated, free.queries_per_minute) == (True, None)
    assert options_for(make_lake(url="http://127.0.0.1:8765", queries_per_minute=60), dataset).queries_per_minute == 60


def test_the_lake_says_how_long_a_source_may_be_away(make_lake: Any, dataset: Dataset) -> None:
    assert options_for(make_lake(), dataset).away == RetryPolicy().away == 60
    assert options_for(make_lake(away_seconds=5), dataset).away == 5


@pytest.mark.parametrize(
    "url",
    [
        "http://admin.googleapis.com", "http://127.0.0.1.example.com", "http://localhost.example.com:80", "http://localhost@example.com",
        "ftp://127.0.0.1", "admin.googleapis.com", "https://", "file:///etc",
    ],
)  # fmt: skip
def test_only_https_or_this_machine_is_asked(url: str) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        check_url(url)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"url": 7}, "source.url .* should be a text"),
        ({"applications": "token"}, "source.applications .* list of at least one name, got 'token'"),
        ({"applications": [1]}, "source.applications .* list of at least one name, got .1."),
        ({"applications": [""]}, "source.applications .* list of at least one name"),
        ({"applications": []}, "source.applications .* list of at least one name, got ..\\. Leave it out"),
        ({"queries_per_minute": "fast"}, "source.queries_per_minute .* should be a number"),
        ({"queries_per_minute": True}, "source.queries_per_minute .* should be a number"),
        ({"subject": ["a"]}, "source.subject .* should be a text"),
        ({"away_seconds": "soon"}, "source.away_seconds .* should be a number"),
        ({"away_seconds": -1}, "source.away_seconds .* should be seconds from 0 to 3600"),
        ({"away_seconds": 3601}, "source.away_seconds .* should be seconds from 0 to 3600"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_named(make_lake: Any, dataset: Dataset, source: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        options_for(make_lake(**source), dataset)


def test_whoever_plans_and_whoever_asks_read_the_same_applications_and_neither_takes_none(make_lake: Any, dataset: Dataset) -> None:
    for source in ({}, {"applications": None}, {"applications": ["login"]}):
        lake = make_lake(**source)
        assert options_for(lake, dataset).applications == applications_of(lake, dataset) != ()
    empty = make_lake(applications=[])
    for use in (next_fetch, counts, status):
        with pytest.raises(ConfigurationError, match="at least one name"):
            use(empty, dataset)


def test_a_dataset_without_this_source_is_refused(make_lake: Any, dataset: Dataset) -> None:
    with pytest.raises(ConfigurationError, match=r"not read from the Reports API.*lakehouse ingest workspace_audit.*lakehouse sources"):
        options_for(make_lake(), replace(dataset, source=None))


def test_a_lake_reads_from_a_running_simulator(make_lake: Any, dataset: Dataset, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(told(*many(3)))
    monkeypatch.setenv("LAKEHOUSE_REPORTS_API_URL", server.url)
    client = open_source(make_lake(), dataset)
    assert sum(len(page) for page in client.window("token", HOUR, HOUR + dt.timedelta(hours=1))) == 3
    client.close()


def test_a_lake_can_bring_its_own_simulated_source(make_lake: Any, dataset: Dataset) -> None:
    lake = make_lake(simulated="activities")
    write_hours(lake.store.root / "activities", "token", told(*many(3)))
    clients = [open_source(lake, dataset) for _ in range(2)]
    assert clients[0].options.url == clients[1].options.url
    for client in clients:
        assert sum(len(page) for page in client.window("token", HOUR, HOUR + dt.timedelta(hours=1))) == 3
        client.close()


def test_the_simulated_source_of_a_lake_goes_by_the_lakes_clock(make_lake: Any, dataset: Dataset) -> None:
    lake = make_lake(simulated="activities")
    write_hours(lake.store.root / "activities", "token", [(HOUR, NOW + dt.timedelta(hours=1), many(1)[0])])
    early = open_source(lake, dataset)
    assert early.newest("token") is None
    late = open_source(lake, dataset, now=lambda: NOW + dt.timedelta(hours=2))
    assert late.newest("token") is not None


@pytest.mark.parametrize("value", [True, 1, ["activities"], {"folder": "activities"}, [], 0, {}, "nowhere"], ids=repr)
def test_a_simulated_source_that_is_no_folder_is_refused_and_google_is_not_asked(make_lake: Any, dataset: Dataset, value: Any) -> None:
    lake = make_lake(simulated=value)
    with pytest.raises(ConfigurationError, match="simulated"):
        source_options(lake, dataset, lake.now)


@pytest.mark.parametrize("value", [None, False, ""], ids=repr)
def test_no_simulated_source_means_the_real_one(make_lake: Any, dataset: Dataset, value: Any) -> None:
    lake = make_lake(simulated=value)
    assert source_options(lake, dataset, lake.now).url == "https://admin.googleapis.com"


HINTS = {
    "a key": (ENV_CREDENTIALS, "key.json"),
    "a subject": (ENV_SUBJECT, "admin@example.com"),
    "a simulated server": (ENV_URL, "http://127.0.0.1:8085"),
    "another address": (ENV_URL, "https://reports.example.com"),
    "default credentials": ("GOOGLE_APPLICATION_CREDENTIALS", "default.json"),
}


@pytest.fixture
def nothing_told(monkeypatch, tmp_path: Path) -> None:
    for name, _ in HINTS.values():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))


@pytest.mark.usefixtures("nothing_told")
def test_a_source_of_which_nobody_told_anything_is_not_configured(make_lake: Any, dataset: Dataset) -> None:
    assert f"set {ENV_CREDENTIALS}" in str(unconfigured(make_lake(), dataset))


@pytest.mark.usefixtures("nothing_told")
@pytest.mark.parametrize("hint", HINTS)
def test_whatever_is_told_of_a_source_makes_it_configured(make_lake: Any, dataset: Dataset, monkeypatch, hint: str) -> None:
    monkeypatch.setenv(*HINTS[hint])
    assert unconfigured(make_lake(), dataset) is None


@pytest.mark.usefixtures("nothing_told")
def test_a_source_that_the_lake_or_gcloud_knows_is_configured(make_lake: Any, dataset: Dataset, tmp_path: Path) -> None:
    assert unconfigured(make_lake(applications=["token"]), dataset) is None
    (tmp_path / "application_default_credentials.json").write_text("{}")
    assert unconfigured(make_lake(), dataset) is None
