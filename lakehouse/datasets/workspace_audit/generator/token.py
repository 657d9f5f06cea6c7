"""Events of the token log: calls, grants and revokes. The collector's own calls are among them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lakehouse.datasets.workspace_audit.generator.catalogue import TEXT_HOLE, Catalogue, Draw, Template, event, many, number, value
from lakehouse.datasets.workspace_audit.generator.oauth import APPS, METHODS, SCOPES, OAuthApp
from lakehouse.datasets.workspace_audit.generator.options import COLLECTOR_CLIENT_ID
from lakehouse.datasets.workspace_audit.generator.people import COLLECTOR, World

COLLECTOR_SHARE = 0.15
_COLLECTOR_METHOD = "reports.activities.list"
_COLLECTOR_APP = "Audit Collector"
# After the calls of an app come, in this order: grant, grant with more scopes, revoke, denied, requested.
_GRANTS = 5
_CALL = 0.935
_OTHERS = np.cumsum([0.62, 0.34, 0.02, 0.02])


def client_id(index: int) -> str:
    """The OAuth client of an app."""
    return f"{407408718192 + 7919 * index}.apps.googleusercontent.com"


@cache
def catalogue() -> Catalogue:
    """First the collector's call, then the calls and grants of each app."""
    own = OAuthApp(_COLLECTOR_APP, "WEB", (), ())
    templates = [_call(own, COLLECTOR_CLIENT_ID, _COLLECTOR_METHOD, "admin", "GSUITE_ADMIN")]
    for i, app in enumerate(APPS):
        templates += [_call(app, client_id(i), m, *METHODS[m][:2]) for m in app.methods]
        templates += _grants(app, client_id(i))
    return Catalogue(tuple(templates))


def users(rng: np.random.Generator, world: World, count: int) -> np.ndarray:
    """Who acts: the collector with a fixed share, the others by their activity."""
    chosen = np.searchsorted(world.activity.cumsum(), rng.random(count)).clip(max=world.users - 1)
    return np.where(rng.random(count) < COLLECTOR_SHARE, COLLECTOR, chosen)


def draw(rng: np.random.Generator, world: World, time: np.ndarray, user: np.ndarray, subject: np.ndarray) -> Draw:
    """Events of these users; `subject` picks the app among the four that a user has."""
    count = len(time)
    passed = (time - world.start) / max(world.end - world.start, 1)
    app = _app_of_user(user, subject)
    app = np.where(_APPEARS[app] > passed, 0, app)
    method = (subject // 4 + rng.integers(0, 2, count)) % _METHODS[app]
    call = rng.random(count) < _CALL
    other = np.searchsorted(_OTHERS, rng.random(count)).clip(max=3)
    grant = np.where((other == 0) & (passed > 0.5), 1, np.where(other == 0, 0, other + 1))
    template = _START[app] + np.where(call, method, _METHODS[app] + grant)
    own = user == COLLECTOR
    template = np.where(own, 0, template)
    return Draw(template, size=_sizes(rng, template, count))


def _sizes(rng: np.random.Generator, template: np.ndarray, count: int) -> np.ndarray:
    usual = _LOG_BYTES[template]
    sizes = np.exp(usual + rng.standard_normal(count) * np.where(template == 0, 0.2, 1.2)).astype(np.int64)
    empty = rng.random(count) < 0.02
    found: np.ndarray = np.where(empty, 0, sizes)
    return found


def _app_of_user(user: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Each user has four apps, popular ones more likely: a hash of user and slot, so that it needs no table."""
    mixed = (user.astype(np.uint64) * np.uint64(2654435761) + (subject % 4).astype(np.uint64) * np.uint64(40503)) % np.uint64(10_007)
    found: np.ndarray = np.searchsorted(_POPULAR, mixed.astype(np.float64) / 10_007, side="right").clip(max=len(APPS) - 1)
    return found


def _call(app: OAuthApp, client: str, method: str, api: str, bucket: str) -> Template:
    parameters = [
        value("api_name", api),
        value("method_name", method),
        value("client_id", client),
        number("num_response_bytes", TEXT_HOLE),
        value("product_bucket", bucket),
        value("app_name", app.name),
        value("client_type", app.kind),
    ]
    own = client == COLLECTOR_CLIENT_ID
    return Template(event("activity", "auth", parameters), method=method, app=app.name, collector=own, sized=True)


def _grants(app: OAuthApp, client: str) -> list[Template]:
    def made(name: str, scopes: tuple[str, ...], *more: dict[str, Any]) -> Template:
        data = {
            "name": "scope_data",
            "multiMessageValue": [{"parameter": [value("scope_name", s), many("product_bucket", SCOPES[s])]} for s in scopes],
        }
        parameters = [value("client_id", client), value("app_name", app.name), value("client_type", app.kind), data, many("scope", scopes), *more]
        return Template(event(name, None, parameters), app=app.name, scopes=len(scopes), buckets=sum(len(SCOPES[s]) for s in scopes))

    every = tuple(dict.fromkeys((*app.scopes, *app.more)))
    return [
        made("authorize", app.scopes),
        made("authorize", every),
        made("revoke", app.scopes),
        made("deny", every, value("rejection_type", "SCOPE_BLOCK")),
        made("request", every, value("app_request_info", "APP_REQUEST_TYPE_INDIVIDUAL")),
    ]


_METHODS = np.array([len(a.methods) for a in APPS])
_START = 1 + np.concatenate([[0], np.cumsum(_METHODS + _GRANTS)[:-1]])
_APPEARS = np.array([a.appears for a in APPS])
_POPULAR = np.cumsum([a.weight for a in APPS]) / sum(a.weight for a in APPS)
_LOG_BYTES = np.concatenate([[14.0], *[[*(METHODS[m][2] for m in a.methods), *([0.0] * _GRANTS)] for a in APPS]])
