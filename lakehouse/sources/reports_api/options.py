"""What the Reports API client is told: from the lake's settings, the dataset's declaration and the environment."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lakehouse.errors import ConfigurationError
from lakehouse.sources.applications import applications_of

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake

GOOGLE_URL = "https://admin.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
ENV_URL = "LAKEHOUSE_REPORTS_API_URL"
ENV_CREDENTIALS = "LAKEHOUSE_GOOGLE_CREDENTIALS"
ENV_SUBJECT = "LAKEHOUSE_GOOGLE_SUBJECT"

# Google's quota: 2,400 queries per minute, user and project.
QUERIES_PER_MINUTE = 2400


@dataclass(frozen=True)
class ReportsApiOptions:
    """How to reach the API and how hard to ask.

    `queries_per_minute` None: no client-side limit (a simulated source). `timeout`: seconds to connect and between two reads.
    `away`: seconds after which a source that is away is given up (see `RetryPolicy`). `max_pages`: a walk of more pages than this never ends.
    `retention`: how far back the API answers.
    """

    url: str = GOOGLE_URL
    applications: tuple[str, ...] = ()
    subject: str | None = None
    key_file: Path | None = None
    queries_per_minute: float | None = QUERIES_PER_MINUTE
    retention: dt.timedelta = dt.timedelta(days=180)
    page_size: int = 1000
    max_pages: int = 50_000
    timeout: tuple[float, float] = (10.0, 60.0)
    away: float = 60.0
    compress: bool = True

    @property
    def simulated(self) -> bool:
        """Whether the source is a server on this machine: no rate limit, and never Google's credentials."""
        return is_loopback(self.url)


def options_for(lake: Lake, dataset: Dataset) -> ReportsApiOptions:
    """Options of a dataset in a lake. Raises `ConfigurationError` for a source that is none, or a setting of the wrong kind."""
    declared = dataset.source
    if declared is None or declared.name != "reports_api":
        raise ConfigurationError(
            f"The dataset {dataset.name} is not read from the Reports API, so there is nothing to fetch. Files are landed with: lakehouse ingest "
            f"{dataset.name}. How each dataset is read is shown by: lakehouse sources"
        )
    settings = lake.dataset(dataset.name).source
    url = check_url(os.environ.get(ENV_URL) or _text(settings, "url", dataset.name) or GOOGLE_URL)
    key_file = os.environ.get(ENV_CREDENTIALS)
    per_minute = _number(settings, "queries_per_minute", dataset.name)
    simulated = is_loopback(url)
    return ReportsApiOptions(
        url=url,
        applications=applications_of(lake, dataset),
        subject=os.environ.get(ENV_SUBJECT) or _text(settings, "subject", dataset.name),
        key_file=Path(key_file) if key_file else None,
        queries_per_minute=per_minute if per_minute is not None or simulated else QUERIES_PER_MINUTE,
        retention=declared.retention,
        compress=not simulated,
        away=_seconds(settings, "away_seconds", dataset.name, ReportsApiOptions.away),
    )


def unconfigured(lake: Lake, dataset: Dataset) -> str | None:
    """What to set before the API can be asked, where nobody has told anything of it; None as soon as anything is told, right or wrong."""
    options = options_for(lake, dataset)
    if lake.dataset(dataset.name).source or os.environ.get(ENV_URL) or options.key_file or options.subject or _default_credentials():
        return None
    return (
        f"Nobody has told how to reach the source of {dataset.name}: set {ENV_CREDENTIALS} (key file of a service account) and {ENV_SUBJECT} (an "
        "admin) and start again, or fetch once by hand: lakehouse fetch."
    )


def _default_credentials() -> bool:
    """Whether there are application default credentials in the environment or of gcloud: their places are Google's, see google.auth.default."""
    folder = os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud"
    return bool(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")) or (Path(folder) / "application_default_credentials.json").is_file()


def simulated_folder(lake: Lake, dataset: Dataset) -> Path | None:
    """The folder of activities that the lake's settings name (relative to the lake, or absolute); None for a lake with a real source.

    Raises `ConfigurationError` for a setting that names none: nothing that was meant to be simulated may ask Google.
    """
    told = lake.dataset(dataset.name).source.get("simulated")
    if told is None or told is False or told == "":
        return None
    if not isinstance(told, str):
        raise _wrong(dataset.name, "simulated", "the path of a folder", told)
    folder = Path(told) if lake.store.root is None else lake.store.root / told
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is named as the simulated source of {dataset.name} in lake.json, but there is no such folder.")
    return folder


def check_url(url: str) -> str:
    """The URL without a slash at its end. Raises `ConfigurationError` for anything but https, or http on this machine."""
    parts = urlsplit(url)
    if not parts.hostname or not (parts.scheme == "https" or is_loopback(url)):
        raise ConfigurationError(
            f"The Reports API must be reached over https, or at http://127.0.0.1 or http://localhost for a simulated one; got {url!r}. "
            f"Mend datasets.<name>.source.url in lake.json, or {ENV_URL}."
        )
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the URL is plain http on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")


def _text(settings: dict[str, Any], key: str, dataset: str) -> str | None:
    value = settings.get(key)
    if value is not None and not isinstance(value, str):
        raise _wrong(dataset, key, "a text", value)
    return value or None


def _number(settings: dict[str, Any], key: str, dataset: str) -> float | None:
    value = settings.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _wrong(dataset, key, "a number", value)
    return value


def _seconds(settings: dict[str, Any], key: str, dataset: str, default: float) -> float:
    value = _number(settings, key, dataset)
    if value is not None and not 0 <= value <= 3600:
        raise _wrong(dataset, key, "seconds from 0 to 3600", value)
    return default if value is None else value


def _wrong(dataset: str, key: str, expected: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"datasets.{dataset}.source.{key} in lake.json should be {expected}, got {value!r}.")
