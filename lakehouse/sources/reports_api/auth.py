"""Credentials of the Reports API: a service account with domain-wide delegation, or application default credentials."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakehouse.errors import ConfigurationError
from lakehouse.sources.reports_api.answers import DELEGATION_PAGE, Identity, RefusedError
from lakehouse.sources.reports_api.options import ENV_CREDENTIALS, ENV_SUBJECT, SCOPE, ReportsApiOptions, is_loopback
from lakehouse.sources.reports_api.retry import Retryable


class Authorizer:
    """Keeps a token fresh for all threads. `identity` says who asks."""

    def __init__(self, credentials: Any, identity: Identity) -> None:
        self.identity = identity
        self._credentials = credentials
        self._lock = threading.Lock()

    def headers(self) -> dict[str, str]:
        """Headers of a request, with a token that is fresh by its own word."""
        with self._lock:
            if not self._credentials.valid:
                self._refresh()
            return self._apply()

    def renew(self, refused: Mapping[str, str]) -> None:
        """Get another token, unless another thread has got one since these headers were refused."""
        with self._lock:
            if self._apply()["authorization"] == refused.get("authorization"):
                self._refresh()

    def _apply(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        self._credentials.apply(headers)  # adds the quota project of a person's own credentials too
        return {name.lower(): value for name, value in headers.items()}

    def _refresh(self) -> None:
        from google.auth import exceptions
        from google.auth.transport.requests import Request

        try:
            self._credentials.refresh(Request())
        except exceptions.RefreshError as error:
            if error.retryable:
                raise Retryable("token_endpoint", f"The token endpoint did not answer: {error}") from error
            raise explain_refusal(str(error.args[0] if error.args else error), self.identity) from error
        except exceptions.TransportError as error:
            raise Retryable("token_endpoint", f"The token endpoint could not be reached: {error}") from error


def authorizer_for(options: ReportsApiOptions) -> Authorizer | None:
    """Credentials for a source; None for a simulated source on this machine.

    A key is used at a simulated source only when its own token endpoint is on this machine too: a token of Google's is never sent there.
    Raises `ConfigurationError` that says what is missing.
    """
    if options.simulated:
        if options.key_file is None or not is_loopback(str(read_key(options.key_file).get("token_uri", ""))):
            return None
        return _service_account(options.key_file, options.subject)
    if options.key_file is not None:
        return _service_account(options.key_file, options.subject)
    return _application_default(options.subject)


def read_key(path: Path) -> dict[str, Any]:
    """The key of a service account; `ConfigurationError` when the file is none."""
    hint = f"{ENV_CREDENTIALS} must name the JSON key of a service account (Google Cloud console > IAM & Admin > Service accounts > Keys)."
    try:
        key = json.loads(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"The key file cannot be read: {error}. {hint}") from error
    except ValueError as error:
        raise ConfigurationError(f"The key file {path} is not JSON. {hint}") from error
    wanted = ("client_email", "private_key", "token_uri")
    if not isinstance(key, dict) or key.get("type") != "service_account" or any(not isinstance(key.get(name), str) for name in wanted):
        kind = key.get("type") if isinstance(key, dict) else type(key).__name__
        raise ConfigurationError(f"The key file {path} is of type {kind!r}, expected 'service_account' with {', '.join(wanted)}. {hint}")
    return key


def explain_refusal(said: str, identity: Identity) -> RefusedError:
    """What a refused token request means and what to do about it."""
    told = f"Google gave no token to {identity} for the scope {SCOPE}: {said}."
    if "unauthorized_client" in said or "access_denied" in said:
        remedy = (
            f"The delegation is missing or lacks the scope: in {DELEGATION_PAGE}, click Add new, enter the client id "
            f"{identity.client_id or '(client_id in the key file)'} and the scope {SCOPE}. It can take some minutes to hold."
        )
    elif "Invalid email or User ID" in said:
        remedy = f"The subject {identity.subject} is not a user of this Workspace: set {ENV_SUBJECT} to an admin's primary e-mail address."
    elif identity.account:
        remedy = "Check this machine's clock, and that the key still exists (Google Cloud console > IAM & Admin > Service accounts > Keys)."
    else:
        remedy = f"Run `gcloud auth application-default login` again, or set {ENV_CREDENTIALS}."
    return RefusedError(told, remedy)


def _service_account(path: Path, subject: str | None) -> Authorizer:
    from google.oauth2 import service_account

    key = read_key(path)
    if not subject:
        raise ConfigurationError(
            f"{ENV_SUBJECT} is not set. The service account {key['client_email']} reads the log on behalf of an admin: set it to the "
            "primary e-mail address of an admin whose role has the privilege Reports."
        )
    try:
        credentials = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE], subject=subject)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ConfigurationError(f"The key file {path} has no usable private key: {error}. Make a new key.") from error
    return Authorizer(credentials, Identity(key["client_email"], key.get("client_id"), subject))


def _application_default(subject: str | None) -> Authorizer:
    import google.auth
    from google.auth import exceptions

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except exceptions.DefaultCredentialsError as error:
        raise ConfigurationError(
            f"There are no Google credentials that can be used: {str(error).splitlines()[0]} "
            f"Set {ENV_CREDENTIALS} (key file of a service account) and {ENV_SUBJECT} (an admin), or run: "
            f"gcloud auth application-default login --scopes={SCOPE},https://www.googleapis.com/auth/cloud-platform"
        ) from error
    account = getattr(credentials, "service_account_email", None)
    if subject and hasattr(credentials, "with_subject"):
        credentials = credentials.with_subject(subject)
    elif subject and account:
        raise ConfigurationError(
            f"The application default credentials ({account}) cannot act for the subject {subject}: set {ENV_CREDENTIALS} to the key file of a "
            "service account that has domain-wide delegation."
        )
    return Authorizer(credentials, Identity(account, getattr(credentials, "client_id", None), subject))
