"""Events of the SAML log: logins to service providers."""

from __future__ import annotations

from functools import cache

import numpy as np

from lakehouse.datasets.workspace_audit.generator.catalogue import Catalogue, Draw, Template, event, value
from lakehouse.datasets.workspace_audit.generator.login import users
from lakehouse.datasets.workspace_audit.generator.people import World

__all__ = ["catalogue", "draw", "users"]

_PROVIDERS = ("Salesforce", "Zendesk", "AWS", "Confluence", "Expenses & Travel", "Payroll")
_UNITS = ("/", "/Engineering", "/Sales", "/Sales/Field")
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"


@cache
def catalogue() -> Catalogue:
    """Success and failure for each provider and organisational unit."""
    made = []
    for i, provider in enumerate(_PROVIDERS):
        for unit in _UNITS:
            base = [value("orgunit_path", unit), value("initiated_by", "sp" if i % 2 else "idp"), value("application_name", provider)]
            passed = [*base, value("saml_status_code", _STATUS + "Success")]
            failed = [*base, value("failure_type", "failure_app_not_enabled_for_user"), value("saml_status_code", _STATUS + "Responder")]
            made.append(Template(event("login_success", "login", passed), weight=10.0 / (i + 1)))
            made.append(Template(event("login_failure", "login", failed), weight=0.6 / (i + 1)))
    return Catalogue(tuple(made))


def draw(rng: np.random.Generator, _world: World, time: np.ndarray, _user: np.ndarray, _subject: np.ndarray) -> Draw:
    """Events by weight."""
    return Draw(catalogue().choose(rng, len(time)))
