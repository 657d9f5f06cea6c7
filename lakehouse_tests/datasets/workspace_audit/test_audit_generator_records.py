"""The records of a sample are shaped like what the API serves, and tell what the marts ask for."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from audit_slow_reader import NotJsonError, files_of, parse

from lakehouse.datasets.workspace_audit.generator import (
    APPLICATIONS,
    COLLECTOR_CLIENT_ID,
    COLLECTOR_EMAIL,
    CUSTOMER_ID,
    Truth,
)


def _events(records: list[dict], name: str) -> list[dict]:
    return [e for r in records for e in r.get("events") or [] if e.get("name") == name]


def _names(event: dict) -> list[str]:
    return [p["name"] for p in event["parameters"]]


def test_envelopes_look_like_those_of_the_api(records: dict[str, list[dict]]):
    for application, found in records.items():
        full = [r for r in found if {"kind", "id", "etag", "actor", "events"} <= set(r) and "uniqueQualifier" in r["id"]]
        assert len(full) > 0.95 * len(found)
        for record in full:
            assert record["kind"] == "admin#reports#activity"
            assert record["id"]["applicationName"] == application
            assert record["id"]["customerId"] == CUSTOMER_ID
            assert -(2**63) <= int(record["id"]["uniqueQualifier"]) < 2**63
            assert record["etag"].startswith('"')
            assert record["etag"].endswith('"')
    everything = [r for found in records.values() for r in found]
    assert any(int(r["id"].get("uniqueQualifier", 0)) < 0 for r in everything)
    assert any(isinstance(r.get("networkInfo"), dict) and r["networkInfo"]["regionCode"] for r in everything)
    assert any(r["actor"] == {"profileId": "105250506097979753968"} for r in everything)
    assert any(":" in r.get("ipAddress", "") for r in everything)
    domains = {r["actor"]["email"].split("@")[1] for r in everything if "email" in r["actor"]}
    assert domains == {"example.com", "example.org"}


def test_calls_of_the_token_log_have_the_parameters_of_the_api(records: dict[str, list[dict]]):
    calls = _events(records["token"], "activity")
    names = {"api_name", "method_name", "client_id", "app_name", "client_type", "num_response_bytes", "product_bucket"}
    assert all(names <= set(_names(e)) for e in calls)
    assert all(e["type"] == "auth" for e in calls)
    sizes = [next(p["intValue"] for p in e["parameters"] if p["name"] == "num_response_bytes") for e in calls]
    assert sum(isinstance(s, str) for s in sizes) > 0.98 * len(sizes)
    assert "0" in sizes


def test_grants_tell_their_scopes_twice_and_have_no_type(records: dict[str, list[dict]]):
    grants = [e for e in (*_events(records["token"], "authorize"), *_events(records["token"], "revoke")) if "scope_data" in _names(e)]
    grants = [e for e in grants if all(isinstance(p.get("multiValue", []), list) for p in e["parameters"])]  # those that are spoiled hold a string
    assert grants
    several = 0
    for grant in grants:
        given = {p["name"]: p for p in grant["parameters"]}
        assert "type" not in grant
        told = []
        for message in given["scope_data"]["multiMessageValue"]:
            parts = {p["name"]: p for p in message["parameter"]}
            told.append(parts["scope_name"]["value"])
            several += len(parts["product_bucket"]["multiValue"]) > 1
        assert told == given["scope"]["multiValue"]
    assert several
    assert {"deny", "request"} <= {e["name"] for r in records["token"] for e in r.get("events") or [] if "name" in e}


def test_revokes_tell_no_address(records: dict[str, list[dict]]):
    revokes = [r for r in records["token"] if r.get("events") and r["events"][0].get("name") == "revoke"]
    assert sum("ipAddress" in r for r in revokes) <= 2  # those whose address is the defect


def test_most_token_records_have_no_caller_type(records: dict[str, list[dict]]):
    share = sum("callerType" in r["actor"] for r in records["token"]) / len(records["token"])
    assert 0.05 < share < 0.15


def test_the_collector_is_the_top_user_of_the_token_log(records: dict[str, list[dict]]):
    users = Counter(r["actor"].get("email") for r in records["token"])
    assert users.most_common(1)[0][0] == COLLECTOR_EMAIL
    own = [e for e in _events(records["token"], "activity") if {"name": "client_id", "value": COLLECTOR_CLIENT_ID} in e["parameters"]]
    assert {next(p["value"] for p in e["parameters"] if p["name"] == "method_name") for e in own} == {"reports.activities.list"}


def test_a_qualifier_of_the_login_log_is_a_constant_of_its_user(records: dict[str, list[dict]]):
    by_user = defaultdict(Counter)
    for record in records["login"]:
        if "email" in record["actor"] and "uniqueQualifier" in record["id"]:
            by_user[record["actor"]["email"]][record["id"]["uniqueQualifier"]] += 1
    top = [counts.most_common(1)[0][1] / counts.total() for counts in by_user.values() if counts.total() > 5]
    assert len(top) > 5
    assert np.mean(top) > 0.8


def test_different_events_share_one_full_id_in_the_login_log(records: dict[str, list[dict]]):
    by_id = defaultdict(set)
    for record in records["login"]:
        if record.get("events") and "uniqueQualifier" in record["id"]:
            by_id[(record["id"]["time"], record["id"]["uniqueQualifier"])].add(record["events"][0].get("name"))
    assert sum({"login_success", "login_verification"} <= names for names in by_id.values()) >= 3


def test_the_other_logs_tell_what_the_marts_ask_for(records: dict[str, list[dict]]):
    failures = _events(records["login"], "login_failure")
    assert all("login_failure_type" in _names(e) for e in failures if "parameters" in e)
    assert any({"name": "is_suspicious", "boolValue": True} in e.get("parameters", []) for e in _events(records["login"], "login_success"))
    assert {"failure_type", "application_name", "orgunit_path"} <= set(_names(_events(records["saml"], "login_failure")[0]))
    admin = {e.get("name") for r in records["admin"] for e in r.get("events") or []}
    assert {"CREATE_USER", "ASSIGN_ROLE", "CHANGE_PASSWORD", "CHANGE_APPLICATION_SETTING"} <= admin
    shares = [e for e in _events(records["drive"], "change_user_access") if {"name": "visibility_change", "value": "external"} in e["parameters"]]
    assert shares
    for share in shares:
        target = next(p["value"] for p in share["parameters"] if p["name"] == "target_user")
        assert target.split("@")[1] not in {"example.com", "example.org"}
    titles = {p["value"] for e in _events(records["drive"], "view") for p in e["parameters"] if p["name"] == "doc_title"}
    assert any('"' in t for t in titles)
    assert any(not t.isascii() for t in titles)


def test_activities_have_one_to_five_events(records: dict[str, list[dict]]):
    sizes = Counter(len(r.get("events") or []) for found in records.values() for r in found)
    assert set(sizes) == {0, 1, 2, 3, 4, 5}
    assert sizes[1] > 0.9 * sizes.total()


def test_work_has_a_rhythm_and_one_hour_stands_out(sample: Path):
    truth = Truth.load(sample)
    kept = {hour: books.kept for hour, books in truth.applications["token"].hours.items()}
    anomaly = truth.anomaly.strftime("%Y-%m-%dT%H")
    assert max(kept, key=kept.__getitem__) == anomaly
    days = truth.total.days
    assert days["2026-11-21"] + days["2026-11-22"] < days["2026-11-18"]
    by_clock = Counter()
    for hour, books in truth.applications["drive"].hours.items():
        by_clock[hour[-2:]] += books.kept
    assert by_clock["10"] > 5 * by_clock["03"]


def test_travellers_appear_from_a_country_where_they_had_not_been(records: dict[str, list[dict]]):
    seen = defaultdict(list)
    for record in sorted((r for found in records.values() for r in found if "uniqueQualifier" in r["id"]), key=lambda r: r["id"]["time"]):
        if "email" in record["actor"] and isinstance(record.get("networkInfo"), dict):
            seen[record["actor"]["email"]].append(record["networkInfo"]["regionCode"])
    away = [regions for regions in seen.values() if {"BR", "VN", "NG", "UA"} & set(regions)]
    assert away
    assert all(regions[0] in {"DE", "US", "GB", "FR", "JP", "IN", "NL"} for regions in away if len(regions) > 10)


def test_text_is_written_as_a_json_library_would(sample: Path):
    compared = 0
    for application in APPLICATIONS:
        for line in files_of(sample, application)[12][1]:
            try:
                record = parse(line)
            except NotJsonError:  # one of the lines that are damaged on purpose
                continue
            compared += 1
            assert json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() == line
    assert compared
