"""Events of the login log: successes, failures, challenges, what Google calls suspicious."""

from __future__ import annotations

from functools import cache

import numpy as np

from lakehouse.datasets.workspace_audit.generator.catalogue import Catalogue, Draw, Template, event, flag, many, number, value
from lakehouse.datasets.workspace_audit.generator.people import World

_FAILURES = ("login_failure_invalid_password", "login_failure_account_disabled", "login_failure_access_code_disallowed", "login_failure_unknown")


@cache
def catalogue() -> Catalogue:
    """All kinds of events of this log."""
    return Catalogue((*_entries(), *_failures(), *_around()))


def users(rng: np.random.Generator, world: World, count: int) -> np.ndarray:
    """Logins differ less between people than their traffic does."""
    shares = np.sqrt(world.activity)
    return np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(count)).clip(max=world.users - 1)


def draw(rng: np.random.Generator, world: World, time: np.ndarray, user: np.ndarray, subject: np.ndarray) -> Draw:
    """Events by weight; people abroad fail and raise suspicion far more often."""
    template = catalogue().choose(rng, len(time))
    abroad = (time >= world.abroad_from[user]) & (rng.random(len(time)) < 0.3)
    odd = np.concatenate([catalogue().find("suspicious_login"), catalogue().find("login_failure")])
    return Draw(np.where(abroad, odd[subject % len(odd)], template))


def burst(subject: np.ndarray) -> Draw:
    """Failures of one person in a row."""
    return Draw(np.full(len(subject), catalogue().find("login_failure")[0]))


def verification(subject: np.ndarray) -> Draw:
    """The verification that a login tells of in the same millisecond, under the same id."""
    found = catalogue().find("login_verification")
    return Draw(found[subject % len(found)])


def _entries() -> list[Template]:
    made = []
    for kind, challenge, weight in (
        ("google_password", ["password"], 30.0),
        ("google_password", ["password", "google_prompt"], 12.0),
        ("saml", ["saml"], 14.0),
        ("reauth", ["password"], 3.0),
        ("exchange", ["none"], 2.0),
    ):
        for odd, share in ((False, 0.99), (True, 0.01)):
            parameters = [value("login_type", kind), many("login_challenge_method", challenge), flag("is_suspicious", odd)]
            made.append(Template(event("login_success", "login", parameters), suspicious=odd, weight=weight * share))
    return made


def _failures() -> list[Template]:
    weights = (8.0, 0.6, 0.8, 0.6)
    return [
        Template(
            event(
                "login_failure",
                "login",
                [value("login_type", "google_password"), many("login_challenge_method", ["password"]), value("login_failure_type", why)],
            ),
            weight=weight,
        )
        for why, weight in zip(_FAILURES, weights, strict=True)
    ]


def _around() -> list[Template]:
    made = []
    for method, second, weight in (("google_prompt", True, 6.0), ("security_key", True, 3.0), ("password", False, 2.0)):
        parameters = [value("login_type", "google_password"), many("login_challenge_method", [method])]
        challenge = [*parameters, value("login_challenge_status", "Challenge Passed."), flag("is_second_factor", second)]
        made.append(Template(event("login_challenge", "login", challenge), weight=weight / 2))
        made.append(Template(event("login_verification", "login", [*parameters, flag("is_second_factor", second)]), weight=weight))
    made.append(Template(event("logout", "login", [value("login_type", "google_password")]), weight=9.0))
    warning = [value("affected_email_address", "somebody@example.com"), number("login_timestamp", "1790000000000000")]
    made.append(Template(event("suspicious_login", "account_warning", warning), weight=0.3))
    made.append(Template(event("2sv_enroll", "2sv_change"), weight=0.3))
    made.append(Template(event("password_edit", "password_change"), weight=0.4))
    return made
