"""Servers and clients of the Reports API for tests: real HTTP on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reports_api_helpers import COLLECTOR, NOW, REAL, QuickClient, Told, write_hours

from lakehouse.sources.reports_api.options import ENV_CREDENTIALS, ENV_SUBJECT, ENV_URL
from lakehouse.sources.reports_api.server import SimulatedReportsApi

Serve = Callable[..., SimulatedReportsApi]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve records of one application (or a folder), stopped at the end of the test."""
    running: list[SimulatedReportsApi] = []

    def start(records: list[Told] | Path, *, application: str = "token", **options: Any) -> SimulatedReportsApi:
        folder = records if isinstance(records, Path) else write_hours(tmp_path / f"activities{len(running)}", application, records)
        running.append(SimulatedReportsApi(folder, **{"clock": NOW, **options}).start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def client_of() -> Iterator[Callable[..., QuickClient]]:
    """A client of a server, closed at the end of the test."""
    made: list[QuickClient] = []

    def make(server: SimulatedReportsApi, **options: Any) -> QuickClient:
        made.append(QuickClient(server.url, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def recording() -> Path:
    """Real recorded activities of a lab tenant."""
    if not REAL.is_dir():
        pytest.skip(f"the recorded activities are not there: {REAL}")
    return REAL


@pytest.fixture(scope="session")
def private_key() -> str:
    """A key made for these tests."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


@pytest.fixture
def key_file(tmp_path: Path, private_key: str) -> Callable[..., Path]:
    """Write the key file of a service account whose token endpoint is the server's."""

    def write(server: SimulatedReportsApi, **other: Any) -> Path:
        key = {
            "type": "service_account",
            "client_email": COLLECTOR,
            "client_id": "1234567890",
            "private_key_id": "k1",
            "private_key": private_key,
            "token_uri": f"{server.url}/token",
            **other,
        }
        path = tmp_path / "key.json"
        path.write_text(json.dumps({name: value for name, value in key.items() if value is not None}))
        path.chmod(0o600)
        return path

    return write


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials or URL of whoever runs the tests."""
    for name in (ENV_URL, ENV_CREDENTIALS, ENV_SUBJECT, "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
