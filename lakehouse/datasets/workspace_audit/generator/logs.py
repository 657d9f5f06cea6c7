"""The applications whose logs can be generated: how much of the traffic each has, and its rhythm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lakehouse.datasets.workspace_audit.generator import admin, drive, login, saml, token
from lakehouse.datasets.workspace_audit.generator.catalogue import Catalogue, Draw
from lakehouse.datasets.workspace_audit.generator.people import World
from lakehouse.errors import ConfigurationError


@dataclass(frozen=True)
class Log:
    """One application.

    `share`: of all activities. `background`: traffic at night as a share of that at noon. `several`: share of activities with several events.
    `caller`: share of actors with a callerType. `lag`: median and highest usual seconds between an event and its being visible.
    """

    name: str
    share: float
    background: float
    several: float
    caller: float
    lag: tuple[float, float]
    catalogue: Callable[[], Catalogue]
    users: Callable[[np.random.Generator, World, int], np.ndarray]
    draw: Callable[[np.random.Generator, World, np.ndarray, np.ndarray, np.ndarray], Draw]


# Only `token` is known to lag by hours; the others show within minutes.
LOGS = {
    log.name: log
    for log in (
        Log("token", 0.70, 0.30, 0.012, 0.1, (480, 8_600), token.catalogue, token.users, token.draw),
        Log("login", 0.07, 0.04, 0.003, 0.8, (45, 900), login.catalogue, login.users, login.draw),
        Log("saml", 0.04, 0.03, 0.0, 0.8, (45, 900), saml.catalogue, saml.users, saml.draw),
        Log("admin", 0.02, 0.02, 0.02, 0.9, (30, 600), admin.catalogue, admin.users, admin.draw),
        Log("drive", 0.17, 0.05, 0.08, 0.8, (120, 1_800), drive.catalogue, drive.users, drive.draw),
    )
}


def find_log(name: str) -> Log:
    """The log of that application; `ConfigurationError` when it cannot be generated."""
    if name not in LOGS:
        raise ConfigurationError(f"No sample can be generated for the application {name!r}. Expected one of: {', '.join(LOGS)}.")
    return LOGS[name]
