"""First contact: every way in which it can fail says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reports_api_helpers import ADMIN, CLERK, NOW, Waits, activity, at, many, told, workspace

from lakehouse.datasets.registry import find_dataset
from lakehouse.findings import Finding
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake
from lakehouse.sources.reports_api.doctor import doctor_source, outline
from lakehouse.sources.reports_api.options import SCOPE

MakeKey = Callable[..., Path]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Finding]]:
    """Findings about a lake that reads from a server, by name."""

    def look(url: str, *, key: Path | None = None, subject: str | None = None, **source: Any) -> dict[str, Finding]:
        settings = LakeSettings(clock=NOW, datasets={"workspace_audit": DatasetSettings(source={"url": url, "applications": ["token"], **source})})
        if key is not None:
            monkeypatch.setenv("LAKEHOUSE_GOOGLE_CREDENTIALS", str(key))
        if subject is not None:
            monkeypatch.setenv("LAKEHOUSE_GOOGLE_SUBJECT", subject)
        waits = Waits()
        found = doctor_source(open_lake(tmp_path / "lake").with_settings(settings), find_dataset("workspace_audit"), sleep=waits.sleep)
        assert all(finding.remedy for finding in found if finding.state != "good")
        return {finding.name: finding for finding in found}

    return look


def test_a_source_that_works_is_good_from_end_to_end(examine: Any, serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(3, step=1)), auth=workspace())
    found = examine(server.url, key=key_file(server), subject=ADMIN)
    assert {name: finding.state for name, finding in found.items()} == dict.fromkeys(
        ["source", "credentials", "delegation and scope", "read token", "quota", "a live record"], "good"
    )
    assert "2026-11-20T13:02:00.000Z, 1h 58m old" in found["read token"].message
    assert ADMIN in found["credentials"].message


def test_a_live_record_is_shown_without_a_person_in_it(examine: Any, serve: Any) -> None:
    record = activity(at(1), 424242, actor={"email": "ada@example.com", "profileId": "100"}, ipAddress="192.0.2.1")
    shown = examine(serve(told(record)).url)["a live record"].message
    assert "<e-mail at example.com>" in shown
    assert [secret for secret in ("ada", "424242", "192.0.2.1", "gmail.users") if secret in shown] == []
    assert json.loads(shown)["events"][0]["parameters"][0] == {"name": "method_name", "value": "<text>"}


def test_an_address_is_not_shown_where_a_name_is_expected() -> None:
    assert "bob" not in outline(json.dumps({"events": [{"name": "shared with Bob <bob@example.com>", "n": 7, "on": True, "x": None}]}).encode())


def test_a_missing_delegation_is_found_before_the_list_is_asked(examine: Any, serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace(delegated={}))
    found = examine(server.url, key=key_file(server), subject=ADMIN)
    assert list(found) == ["source", "credentials", "delegation and scope"]
    bad = found["delegation and scope"]
    assert (bad.state, "Add new" in bad.remedy, SCOPE in bad.remedy, "1234567890" in bad.remedy) == ("bad", True, True, True)


def test_a_subject_without_the_privilege_is_found(examine: Any, serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace())
    found = examine(server.url, key=key_file(server), subject=CLERK)
    assert (found["delegation and scope"].state, found["read token"].state) == ("good", "bad")
    assert CLERK in found["read token"].remedy
    assert "privilege Reports" in found["read token"].remedy
    assert "a live record" not in found


def test_a_missing_subject_is_found(examine: Any, serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace())
    found = examine(server.url, key=key_file(server))
    assert list(found) == ["source", "credentials"]
    assert "LAKEHOUSE_GOOGLE_SUBJECT is not set" in found["credentials"].message


def test_a_key_that_others_may_read_is_noted(examine: Any, serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace())
    key = key_file(server)
    key.chmod(0o644)
    assert examine(server.url, key=key, subject=ADMIN)["key file"] == Finding("key file", "note", f"{key} may be read by others", f"chmod 600 {key}")


def test_an_insecure_url_is_found(examine: Any) -> None:
    found = examine("http://admin.googleapis.com")
    assert list(found) == ["source"]
    assert found["source"].state == "bad"


def test_an_empty_log_is_a_note(examine: Any, serve: Any) -> None:
    found = examine(serve(told(*many(3))).url, applications=["token", "vault"])
    assert (found["read token"].state, found["read vault"].state) == ("good", "note")


def test_an_unknown_application_is_found_beside_good_ones(examine: Any, serve: Any) -> None:
    found = examine(serve(told(*many(3))).url, applications=["nonsense", "token"])
    assert (found["read nonsense"].state, found["read token"].state) == ("bad", "good")
    assert "source.applications" in found["read nonsense"].remedy


def test_a_rate_limit_that_was_met_is_a_note_about_the_quota(examine: Any, serve: Any) -> None:
    server = serve(told(*many(3)), faults=[{"status": 429, "retry_after": 0}])
    found = examine(server.url, queries_per_minute=2400)
    assert found["quota"].state == "note"
    assert "2 requests, 1 of them rate limited" in found["quota"].message
    assert "Quotas" in found["quota"].remedy


def test_a_record_that_is_no_json_is_not_shown(examine: Any, serve: Any) -> None:
    server = serve([(at(1), at(1), b'{"id":{"time":"2026-11-20T13:01:00.000Z"},"email":"ada@example.com","n":NaN}')])
    shown = examine(server.url)["a live record"].message
    assert "no JSON" in shown
    assert "ada" not in shown
