"""Events of the admin log: accounts, roles, settings, and rare ones that matter."""

from __future__ import annotations

from functools import cache

import numpy as np

from lakehouse.datasets.workspace_audit.generator.catalogue import TEXT_HOLE, Catalogue, Draw, Template, event, value
from lakehouse.datasets.workspace_audit.generator.people import ADMINS, World

_WHOM = value("USER_EMAIL", TEXT_HOLE)


@cache
def catalogue() -> Catalogue:
    """All kinds of events of this log; the hole is the address of the person it was done to."""
    return Catalogue((*_accounts(), *_roles(), *_settings(), *_rare()))


def users(rng: np.random.Generator, _world: World, count: int) -> np.ndarray:
    """Four people hold the power."""
    chosen: np.ndarray = rng.choice(ADMINS[:4], count, p=[0.55, 0.25, 0.15, 0.05])
    return chosen


def draw(rng: np.random.Generator, world: World, time: np.ndarray, _user: np.ndarray, subject: np.ndarray) -> Draw:
    """Events by weight, done to anybody."""
    return Draw(catalogue().choose(rng, len(time)), first=world.emails.gather(subject % world.users))


def _accounts() -> list[Template]:
    kinds = (("CREATE_USER", 6.0), ("CHANGE_PASSWORD", 9.0), ("SUSPEND_USER", 2.0), ("DELETE_USER", 1.0), ("GRANT_ADMIN_PRIVILEGE", 0.6))
    return [Template(event(name, "USER_SETTINGS", [_WHOM]), weight=weight) for name, weight in kinds]


def _roles() -> list[Template]:
    made = []
    for role, weight in (("_GROUPS_ADMIN_ROLE", 1.0), ("_HELP_DESK_ADMIN_ROLE", 1.0), ("_SEED_ADMIN_ROLE", 0.1)):
        for name in ("ASSIGN_ROLE", "UNASSIGN_ROLE"):
            made.append(Template(event(name, "DELEGATED_ADMIN_SETTINGS", [value("ROLE_NAME", role), _WHOM]), weight=weight))
    groups = [_WHOM, value("GROUP_EMAIL", "everyone@example.com")]
    made.append(Template(event("ADD_GROUP_MEMBER", "GROUP_SETTINGS", groups), weight=8.0))
    made.append(Template(event("REMOVE_GROUP_MEMBER", "GROUP_SETTINGS", groups), weight=3.0))
    return made


def _settings() -> list[Template]:
    made = []
    for setting, application, weight in (
        ("SHARING_OUTSIDE_DOMAIN", "Drive and Docs", 0.4),
        ("IMAP_ACCESS", "Gmail", 0.8),
        ("EXTERNAL_INVITATION_WARNING", "Calendar", 1.2),
    ):
        parameters = [
            value("APPLICATION_NAME", application),
            value("SETTING_NAME", setting),
            value("OLD_VALUE", "false"),
            value("NEW_VALUE", "true"),
            value("ORG_UNIT_NAME", "/Engineering" if weight < 1 else "example.com"),
        ]
        made.append(Template(event("CHANGE_APPLICATION_SETTING", "APPLICATION_SETTINGS", parameters), weight=weight))
    return made


def _rare() -> list[Template]:
    client = [value("API_CLIENT_NAME", "407408718192.apps.googleusercontent.com"), value("API_SCOPES", "https://mail.google.com/")]
    return [
        Template(event("AUTHORIZE_API_CLIENT_ACCESS", "DOMAIN_SETTINGS", client), weight=0.1),
        Template(event("ADD_TRUSTED_DOMAINS", "DOMAIN_SETTINGS", [value("DOMAIN_NAME", "partner.example")]), weight=0.05),
        Template(event("TURN_OFF_2_STEP_VERIFICATION", "USER_SETTINGS", [_WHOM]), weight=0.1),
        Template(event("ALERT_CENTER_VIEW", "ALERT_CENTER"), weight=1.0),
    ]
