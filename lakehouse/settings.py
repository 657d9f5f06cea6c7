"""One lake: where it is, its clock, its starts, its sources, its token key. Settings live in `<lake>/lake.json`, secrets in the environment."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from lakehouse.errors import ConfigurationError, LakeFormatError
from lakehouse.storage import Store, empty_store, local_path, open_store
from lakehouse.storage.record import decode_record

LAKE_FORMAT = 1
SETTINGS_FILE = "lake.json"
DEVELOPMENT_KEY = ".dev/token.key"
ENV_URL = "LAKEHOUSE_URL"
ENV_KIND = "LAKEHOUSE_ENV"
ENV_TOKEN_KEY = "LAKEHOUSE_TOKEN_KEY"  # noqa: S105  the name of a variable

SHORTEST_KEY = 16  # characters

log = logging.getLogger(__name__)


class DatasetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one dataset in one lake.

    `start`: first day of its partitions. `engine`: overrides the declaration of the dataset. `source`: options of its source, which the page of
    each dataset lists. `raw_retention_days`: for how many days after its end the raw of a day is kept (`lakehouse expire`); null: for ever.
    """

    start: dt.date | None = None
    engine: str | None = None
    source: dict[str, Any] = msgspec.field(default_factory=dict)
    raw_retention_days: int | None = None

    def __post_init__(self) -> None:
        if self.raw_retention_days is not None and self.raw_retention_days < 1:
            raise ValueError(f"raw_retention_days must be at least 1, or null to keep raw for ever, got {self.raw_retention_days}")


class LakeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `lake.json`. `clock`: a fixed now, for demos and replays; null is the system's clock. `made`: when the lake was made."""

    format: int = LAKE_FORMAT
    made: dt.datetime | None = None
    clock: dt.datetime | None = None
    datasets: dict[str, DatasetSettings] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class TokenKey:
    """The key of the keyed hash that replaces PII. `id` names it without telling it (part of every digest)."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Eight hex digits of the hash of the key."""
        return hashlib.blake2b(self.secret, digest_size=4, person=b"token-key-id").hexdigest()


@dataclass(frozen=True)
class Lake:
    """An open lake: its store and settings. Everything that touches data takes one."""

    store: Store
    settings: LakeSettings

    @property
    def url(self) -> str:
        """Where the lake is."""
        return self.store.url

    def now(self) -> dt.datetime:
        """The lake's clock (aware, UTC, microseconds)."""
        fixed = self.settings.clock
        return fixed.astimezone(dt.UTC) if fixed is not None else dt.datetime.now(dt.UTC)

    def dataset(self, name: str) -> DatasetSettings:
        """Settings of a dataset; defaults where the lake says nothing."""
        return self.settings.datasets.get(name, DatasetSettings())

    def start(self, dataset: str, history: dt.timedelta) -> dt.date:
        """First day of a dataset's partitions: the lake's setting, else so long before the lake was made as its contract says (`history`).

        It stands still: a start that moved with the clock would take partitions away and refuse lines that it had placed the day before.
        """
        start = self.dataset(dataset).start
        if start is not None:
            return start
        # Settings that a person wrote do not say when: those of a file do not move with the clock.
        made = self.settings.clock or self.settings.made or self.store.modified(SETTINGS_FILE)
        return made.astimezone(dt.UTC).date() - history

    def times_without_place(self, dataset: str, history: dt.timedelta) -> str:
        """Which times of events no day of the dataset takes, in words, and what to do where it is because the lake's clock stands still."""
        before = f"is before {self.start(dataset, history)} (the first day of {dataset} in this lake: datasets.{dataset}.start in {SETTINGS_FILE})"
        if self.settings.clock is None:
            return f"{before} or in the future"
        return (
            f"{before} or after {self.now():%Y-%m-%d %H:%M} UTC, where the clock of this lake stands still, as in that of the demo. "
            f"Give data of your own a lake of its own: --lake FOLDER, or {ENV_URL}"
        )

    def token_key(self) -> TokenKey:
        """The key for PII tokens: `LAKEHOUSE_TOKEN_KEY`, or a development key made once beside a lake on a local disk.

        Raises `ConfigurationError` when the variable is missing in production or for a lake that is not on a local disk.
        """
        given = os.environ.get(ENV_TOKEN_KEY)
        if given:
            if len(given) < SHORTEST_KEY:
                raise ConfigurationError(
                    f"{ENV_TOKEN_KEY} must have at least {SHORTEST_KEY} characters, it has {len(given)}. Make one with: openssl rand -hex 32"
                )
            return TokenKey(given.encode())
        if is_production() or self.store.root is None:
            where = "in production" if is_production() else f"for a lake that is not on a local disk ({self.url})"
            raise ConfigurationError(f"{ENV_TOKEN_KEY} is not set, and a development key is not used {where}. Make one with: openssl rand -hex 32")
        return TokenKey(_development_key(self.store.root))

    def with_settings(self, settings: LakeSettings) -> Lake:
        """Write other settings to `lake.json` and return the lake that has them. When the lake was made stays as it is."""
        if settings.made is None:
            settings = msgspec.structs.replace(settings, made=self.settings.made)
        self.store.replace(SETTINGS_FILE, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")
        return replace(self, settings=settings)


def is_production() -> bool:
    """Whether `LAKEHOUSE_ENV` says production. `ConfigurationError` for a word that it does not know: a slip must not make a development key."""
    said = os.environ.get(ENV_KIND, "").strip().lower()
    if said in ("production", "prod"):
        return True
    if said in ("", "development", "dev"):
        return False
    raise ConfigurationError(f"{ENV_KIND} must be production (prod) or development (dev), got {said!r}.")


def switched_on(name: str) -> bool:
    """Whether a variable of the environment says yes; no where it is not set. `ConfigurationError` for anything but the usual words."""
    said = os.environ.get(name, "").strip().lower()
    if said in ("on", "true", "yes", "1"):
        return True
    if said in ("", "off", "false", "no", "0"):
        return False
    raise ConfigurationError(f"{name} must be on (true, yes, 1) or off (false, no, 0), got {said!r}.")


def project_root() -> Path:
    """The folder of the checkout: where `workspace.yaml` and `dbt_project/` are."""
    return Path(__file__).resolve().parent.parent


def default_url(checkout: Path | None = None) -> str:
    """`LAKEHOUSE_URL`, or `data/` in the checkout (another one, where it is named)."""
    return os.environ.get(ENV_URL) or str((checkout or project_root()) / "data")


def open_lake(url: str | Path | None = None) -> Lake:
    """Open a lake (made on first use) and read its settings.

    A lake that is made here gets a `lake.json` whose starts stay as they are from then on. Raises `LakeFormatError` for a lake of a newer format
    or with settings that cannot be read.
    """
    store = open_store(url if url is not None else default_url())
    try:
        data = store.read(SETTINGS_FILE)
    except FileNotFoundError:
        made = LakeSettings(made=dt.datetime.now(dt.UTC).replace(microsecond=0))
        store.create(SETTINGS_FILE, msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
        try:
            data = store.read(SETTINGS_FILE)
        except FileNotFoundError as error:
            raise LakeFormatError(
                f"{store.uri(SETTINGS_FILE)} is there and is no file, expected the settings of the lake. Move it away; without one the lake starts "
                "from defaults."
            ) from error
    return Lake(store, _decode(data, store.uri(SETTINGS_FILE)))


def open_existing_lake(url: str | Path | None = None) -> Lake:
    """Open a lake that is there already. Raises `ConfigurationError` where there is none, so that a misspelt path makes no empty lake."""
    place = str(url if url is not None else default_url())
    on_disk = local_path(place)
    found = (on_disk / SETTINGS_FILE).exists() if on_disk is not None else open_store(place).exists(SETTINGS_FILE)
    if not found:
        raise ConfigurationError(
            f"There is no lake at {place} (no {SETTINGS_FILE}). Name another place with --lake or {ENV_URL}, or make one with `lakehouse demo`, "
            "`lakehouse ingest` or `lakehouse fetch`."
        )
    return open_lake(place)


def peek_lake(url: str | Path | None = None) -> tuple[Lake, bool]:
    """Open a lake to look at what it would do, and whether it is there. Where there is none it is an empty one with defaults, and nothing is made."""
    place = url if url is not None else default_url()
    root = local_path(place)
    store = open_store(place) if root is None or root.exists() else empty_store(root)
    if store.exists(SETTINGS_FILE) or (root is not None and (root / SETTINGS_FILE).exists()):
        return open_lake(place), True
    return Lake(store, LakeSettings(made=dt.datetime.now(dt.UTC).replace(microsecond=0))), False


def _decode(data: bytes, where: str) -> LakeSettings:
    remedy = "Mend the file, or move it away to start from defaults."
    settings = decode_record(data, LakeSettings, where=where, known=LAKE_FORMAT, remedy=remedy)
    for name, time in (("clock", settings.clock), ("made", settings.made)):
        if time is not None and time.tzinfo is None:
            raise LakeFormatError(f"{where}: {name} must have a time zone, such as 2026-11-20T12:00:00Z, got {time.isoformat()}.")
    return settings


def _development_key(root: Path) -> bytes:
    path = root / DEVELOPMENT_KEY
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        aside.touch(mode=0o600)
        try:
            with aside.open("w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())  # tokens of a key that a power cut took cannot be made again
            os.link(aside, path)
            log.warning("%s is not set: made a development key at %s. Do not use it for real data.", ENV_TOKEN_KEY, path)
        except FileExistsError:
            log.debug("another process made the development key first")
        finally:
            aside.unlink()
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder, expected the development key. Restore the file from a backup, or set {ENV_TOKEN_KEY}.")
    secret = path.read_bytes().strip()
    if len(secret) < SHORTEST_KEY:
        raise ConfigurationError(
            f"The development key {path} has {len(secret)} characters, expected at least {SHORTEST_KEY}. Restore it from a backup: without it the "
            f"tokens of this lake cannot be made again. To start anew, delete it and replay all days, or set {ENV_TOKEN_KEY}."
        )
    return secret
