"""The population: users of one customer, their networks, and how much each of them does."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

import numpy as np
import polars as pl

from lakehouse.datasets.workspace_audit.generator.options import COLLECTOR_EMAIL, PLACEHOLDER_PROFILE, Arguments

MICROS = 1_000_000
HOUR = 3600 * MICROS
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

COLLECTOR = 0
ADMINS = np.arange(1, 5)
# Forms of an actor, in the order of `World.actors`.
PLAIN, WITH_CALLER, NO_EMAIL = 0, 1, 2
FORMS = 3

_FIRST = (
    "ada", "alan", "barbara", "carlos", "chen", "claude", "edsger", "fatima", "grace", "hedy",
    "ines", "john", "kofi", "lena", "margaret", "niklaus", "olga", "priya", "radia", "tim",
)  # fmt: skip
_LAST = (
    "abara", "berg", "castro", "diaz", "eriksen", "fischer", "garcia", "hopper", "ito", "jensen",
    "kowalski", "lovelace", "moreau", "nakamura", "okafor", "perez", "rossi", "silva", "turing", "wong",
)  # fmt: skip
_HOME = (("DE", "DE-BE"), ("US", "US-CA"), ("GB", "GB-LND"), ("FR", "FR-IDF"), ("JP", "JP-13"), ("IN", "IN-KA"))
_ABROAD = (("BR", "BR-SP"), ("VN", "VN-HN"), ("NG", "NG-LA"), ("UA", "UA-30"))
_NETWORKS = 700
_ABROAD_NETWORKS = 40


@dataclass(frozen=True)
class World:
    """The people of a sample, as tables that columns are gathered from.

    `actors`: JSON of the actor, `FORMS` per user, then the placeholder profile and a key. `networks`: JSON members `ipAddress` and `networkInfo`,
    per network without and with the latter. `home`: networks of a user (users x 3). `abroad_from`: microsecond from which a traveller uses
    `abroad`, or the maximum. `activity`: share of all traffic per user (sums to 1). `qualifier`: constant of a user, as the login log has it.
    """

    arguments: Arguments
    start: int
    end: int
    emails: pl.Series
    actors: pl.Series
    networks: pl.Series
    owners: pl.Series
    home: np.ndarray
    abroad: np.ndarray
    abroad_from: np.ndarray
    activity: np.ndarray
    qualifier: np.ndarray

    @property
    def users(self) -> int:
        """Number of users, the collector's admin among them."""
        return len(self.emails)

    @property
    def placeholder(self) -> int:
        """Index in `actors` of the profile that stands for no user."""
        return self.users * FORMS

    @property
    def key(self) -> int:
        """Index in `actors` of a system key."""
        return self.users * FORMS + 1


def micros(time: dt.datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (time - EPOCH) // dt.timedelta(microseconds=1)


def emails_of(count: int) -> list[str]:
    """Addresses of a population of that size; the first is the admin that the collector impersonates."""
    found = [COLLECTOR_EMAIL]
    for i in range(1, count):
        first, last, generation = _FIRST[i % 20], _LAST[i // 20 % 20], i // 400
        found.append(f"{first}.{last}{generation or ''}@{'example.org' if i % 7 == 3 else 'example.com'}")
    return found


def make_world(arguments: Arguments) -> World:
    """The world of a sample: it depends on seed, times and number of users only."""
    rng = np.random.default_rng([arguments.seed, 1])
    count, start, end = arguments.users, micros(arguments.start), micros(arguments.end)
    emails = emails_of(count)
    profiles = [f"1{n:020d}" for n in rng.permutation(count) * 7_919 + 10**17]
    travels = rng.random(count) < 0.03
    travels[ADMINS[1] : ADMINS[-1]] = True
    travels[COLLECTOR] = False
    leaves = start + ((end - start) * rng.uniform(0.4, 0.8, count)).astype(np.int64)
    return World(
        arguments=arguments,
        start=start,
        end=end,
        emails=pl.Series(emails),
        actors=_actors(emails, profiles),
        networks=_networks(rng),
        owners=pl.Series(["", '"ownerDomain":"example.com",', '"ownerDomain":"example.org",']),
        home=rng.integers(0, _NETWORKS, (count, 3)),
        abroad=_NETWORKS + rng.integers(0, _ABROAD_NETWORKS, count),
        abroad_from=np.where(travels, leaves, np.iinfo(np.int64).max),
        activity=_activity(rng, count),
        qualifier=rng.integers(-(2**62), 2**62, count),
    )


def _actors(emails: list[str], profiles: list[str]) -> pl.Series:
    texts = []
    for email, profile in zip(emails, profiles, strict=True):
        known = {"email": email, "profileId": profile}
        texts += [known, {"callerType": "USER", **known}, {"profileId": profile}]
    texts += [{"profileId": PLACEHOLDER_PROFILE}, {"callerType": "KEY", "key": "SYSTEM"}]
    return pl.Series([json.dumps(t, separators=(",", ":")) for t in texts])


def _networks(rng: np.random.Generator) -> pl.Series:
    """Addresses and autonomous systems are those that the RFCs reserve for documentation."""
    blocks = ("192.0.2", "198.51.100", "203.0.113")
    texts = []
    for i in range(_NETWORKS + _ABROAD_NETWORKS):
        region, part = _HOME[int(rng.zipf(1.6)) % len(_HOME)] if i < _NETWORKS else _ABROAD[i % len(_ABROAD)]
        address = f"2001:db8:{i:x}::{i % 13 + 1:x}" if i % 5 == 4 or i >= 256 * 3 else f"{blocks[i % 3]}.{i // 3}"
        info = {"ipAsn": [64_496 + i % 16], "regionCode": region, "subdivisionCode": part}
        texts += [f'"ipAddress":"{address}",', f'"ipAddress":"{address}","networkInfo":{json.dumps(info, separators=(",", ":"))},']
    return pl.Series(texts)


def _activity(rng: np.random.Generator, count: int) -> np.ndarray:
    """Few users do much: shares fall with the rank to the power of 0.8, so that the collector stays on top."""
    shares = 1.0 / (np.arange(count) + 4.0) ** 0.8
    shares = rng.permutation(shares)
    shares[COLLECTOR] = shares.min()
    normed: np.ndarray = shares / shares.sum()
    return normed
