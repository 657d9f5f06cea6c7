"""The simulated token endpoint (JWT-bearer grant) and the check of its tokens. It reads claims; it does not verify signatures."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from lakehouse.sources.reports_api.server_query import ApiError

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenRefusedError(Exception):
    """The token endpoint says no, in OAuth's form."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = json.dumps({"error": error, "error_description": description}).encode()


@dataclass
class SimulatedAuth:
    """Who may read: service account -> delegated scopes, and the users of the Workspace (address -> whether its role has the privilege Reports)."""

    delegated: Mapping[str, frozenset[str]]
    users: Mapping[str, bool]
    lifetime: int = 3600
    clock: Callable[[], float] = time.time
    _given: dict[str, tuple[str, float]] = field(default_factory=dict)

    def grant(self, form: bytes) -> bytes:
        """Answer a token request. Raises `TokenRefusedError`."""
        fields = {name: values[-1] for name, values in parse_qs(form.decode("ascii", "replace")).items()}
        if fields.get("grant_type") != GRANT:
            raise TokenRefusedError(400, "unsupported_grant_type", f"Invalid grant_type: {fields.get('grant_type')}")
        claims = _claims(fields.get("assertion", ""))
        asked = frozenset(str(claims.get("scope", "")).split())
        if not asked or not asked <= self.delegated.get(str(claims.get("iss")), frozenset()):
            text = "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested."
            raise TokenRefusedError(401, "unauthorized_client", text)
        subject = str(claims.get("sub", ""))
        if subject not in self.users:
            raise TokenRefusedError(400, "invalid_grant", "Invalid email or User ID")
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self._given[token] = (subject, self.clock() + self.lifetime)
        return json.dumps({"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}).encode()

    def check(self, header: str | None) -> None:
        """Check the bearer token of a request. Raises `ApiError`."""
        subject, until = self._given.get((header or "").removeprefix("Bearer "), ("", 0.0))
        if until <= self.clock():
            text = "Request had invalid authentication credentials. Expected OAuth 2 access token or other valid authentication credential."
            raise ApiError(401, "authError", text, status="UNAUTHENTICATED")
        if not self.users[subject]:
            raise ApiError(401, "authError", "Access denied. You are not authorized to read activity records.", status="UNAUTHENTICATED")

    def revoke(self) -> None:
        """Make every token that was given invalid."""
        self._given.clear()


def _claims(assertion: str) -> dict[str, Any]:
    try:
        part = assertion.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError) as error:
        raise TokenRefusedError(400, "invalid_grant", f"Invalid JWT: {error}") from error
    if not isinstance(found, dict):
        raise TokenRefusedError(400, "invalid_grant", "Invalid JWT: claims are no object")
    return found
