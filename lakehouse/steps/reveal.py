"""The address behind a token, for whoever may read raw. Every attempt is written down before anything is read: who, when, why."""

from __future__ import annotations

import datetime as dt
import getpass
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec
import polars as pl

from lakehouse.contracts.model import EXTRA
from lakehouse.datasets.model import Dataset
from lakehouse.engines.kernel.tokens import PREFIX, addresses_in, token
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.read import read_line, read_part
from lakehouse.landing.sealed import gone_line
from lakehouse.settings import Lake, TokenKey
from lakehouse.steps.records import rows_of_line
from lakehouse.tables.committed import naming_damage, scan_committed
from lakehouse.tables.views import clean_version

FOLDER = "ops/reveals"
_TOKEN_LENGTH = len(PREFIX) + 26
_LINES_TRIED = 20


class Attempt(msgspec.Struct, frozen=True):
    """One entry of the log of reveals: `<lake>/ops/reveals/<day>/<time>-<random>.json`. It never holds the address."""

    token: str
    dataset: str
    who: str
    host: str
    when: dt.datetime
    why: str
    token_key_id: str


@dataclass(frozen=True)
class Revealed:
    """The answer. `address` is None where no line of raw holds it (any more); `entry` is the path of the log entry.

    `expired_days`: how many days could not be looked at, because their raw has expired.
    """

    token: str
    address: str | None
    lines: tuple[LineRef, ...]
    entry: str
    expired_days: int = 0


def reveal(lake: Lake, dataset: Dataset, asked: str, *, why: str, progress: Callable[[int, int], None] | None = None) -> Revealed:
    """Find the plain address of a token by computing the tokens of the addresses in raw under the lake's key.

    The lines that the clean table names for the token are tried first; then all parts are read, newest first. `progress(done, parts)`.
    Raises `ConfigurationError` for what is no token and for an empty reason.
    """
    if not asked.startswith(PREFIX) or len(asked) != _TOKEN_LENGTH:
        raise ConfigurationError(
            f"{asked!r} is no token. Expected {PREFIX} and 26 characters, such as in the column actor_email of clean.{dataset.name}."
        )
    if not why.strip():
        raise ConfigurationError("A reason is required, it is written to the log of reveals: --reason 'incident 4711'.")
    key = lake.token_key()
    entry = _write_down(lake, dataset, asked, why.strip(), key)
    lines = _lines_of(lake, dataset, asked)
    ledger = load_ledger(lake, dataset.name)
    for ref in (one for one in lines if gone_line(ledger, one) is None):
        text = read_line(lake, ref, ledger)
        address = _match(asked, key, [*_personal(dataset, text), *addresses_in(text)])
        if address is not None:
            return Revealed(asked, address, lines, entry, len(ledger.sealed))
    return Revealed(asked, _scan(lake, ledger, asked, key, progress), lines, entry, len(ledger.sealed))


def _write_down(lake: Lake, dataset: Dataset, asked: str, why: str, key: TokenKey) -> str:
    # The real time, not the clock of the lake: a replay of last year must not write last year into a log of access.
    now = dt.datetime.now(dt.UTC)
    attempt = Attempt(asked, dataset.name, getpass.getuser(), socket.gethostname(), now, why, key.id)
    path = f"{FOLDER}/{now:%Y-%m-%d}/{now:%H%M%S}-{secrets.token_hex(4)}.json"
    lake.store.create(path, msgspec.json.encode(attempt))
    lake.store.sync([path])
    return path


def _lines_of(lake: Lake, dataset: Dataset, asked: str) -> tuple[LineRef, ...]:
    files = clean_version(lake, dataset.contract).files
    if not files:
        return ()
    columns = [c.name for c in dataset.contract.columns if c.pii is not None]
    hit = pl.any_horizontal(*(pl.col(c) == asked for c in columns), pl.col(EXTRA.name).str.contains(asked, literal=True))
    with naming_damage(files):
        found = scan_committed(files).filter(hit.fill_null(False)).select("_part", "_line").head(_LINES_TRIED).collect()
    return tuple(LineRef(*row) for row in found.iter_rows())


def _personal(dataset: Dataset, text: bytes) -> list[str]:
    """The personal data of a line in plain: also what does not look like an address."""
    rows = rows_of_line(dataset, text)
    return [value for c in dataset.contract.columns if c.pii is not None for value in rows[c.name].drop_nulls().to_list()]


def _scan(lake: Lake, ledger: Ledger, asked: str, key: TokenKey, progress: Callable[[int, int], None] | None) -> str | None:
    parts = sorted(((p.number, p.part.path, p.part) for ps in ledger.parts.values() for p in ps if ledger.seal_of(p.part.path) is None), reverse=True)
    seen: set[str] = set()
    for done, (_, _, part) in enumerate(parts):
        if progress is not None:
            progress(done, len(parts))
        for block in read_part(lake, part):
            fresh = addresses_in(block) - seen
            address = _match(asked, key, fresh)
            if address is not None:
                return address
            seen |= fresh
    return None


def _match(asked: str, key: TokenKey, addresses: Iterable[str]) -> str | None:
    return next((a for a in addresses if token(a, key) == asked), None)
