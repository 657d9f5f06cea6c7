"""What becomes of a record: columns, part of `_extra`, and the same event however it is written."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from kernel_lines import parameters, set_at

from lakehouse.engines.kernel.tokens import token

# --- rows -------------------------------------------------------------------------------------------------------------


def test_a_token_call_fills_its_columns(kernel) -> None:
    row = kernel.row(kernel.case("token_activity"))
    assert row["event_time"] == dt.datetime(2026, 11, 17, 9, 5, 0, 123000, tzinfo=dt.UTC)
    assert row["unique_id"] == "-9223372036854775808"
    assert (row["application"], row["customer_id"], row["event_type"], row["event_name"], row["event_index"]) == (
        "token",
        "C01example",
        "auth",
        "activity",
        0,
    )
    assert (row["api_name"], row["method_name"], row["num_response_bytes"]) == ("gmail", "gmail.users.history.list", 670)
    assert (row["client_type"], row["product_bucket"], row["app_name"]) == ("WEB", "GMAIL", "Mail")
    assert row["ip_address"] == "192.0.2.7"
    assert (row["ip_asn"], row["region_code"], row["subdivision_code"]) == ([15169, 64512], "NL", "NL-NH")
    assert row["actor"] == row["actor_email"] == token("ada.lovelace@example.com", kernel.key)
    assert row["actor_email_domain"] == "example.com"
    assert row["actor_profile_id"] == "102509620547980436027"
    assert row["_extra"] is None
    assert (row["_fetch_id"], row["_part"], row["_line"], row["_contract_version"]) == ("fetch-1", "raw/part", 1, 1)


def test_an_authorize_without_a_type_keeps_every_scope_and_every_bucket(kernel) -> None:
    row = kernel.row(kernel.case("token_authorize_without_type"))
    assert row["event_type"] is None
    assert row["unique_id"] == "9223372036854775807"
    assert row["scopes"] == ["openid", "https://www.googleapis.com/auth/calendar"]
    assert row["scope_data"] == [
        {"scope": "openid", "product_buckets": ["IDENTITY", "OTHER"]},
        {"scope": "https://www.googleapis.com/auth/calendar", "product_buckets": ["CALENDAR"]},
    ]
    assert row["num_response_bytes"] is None  # null is not 0
    assert row["_extra"] is None


def test_an_authorize_of_2017_has_its_scope_as_a_plain_value(kernel) -> None:
    row = kernel.row(kernel.case("token_authorize_of_2017"))
    assert row["scopes"] == ["https://www.google.com/m8/feeds"]
    assert (row["scope_data"], row["client_type"]) == (None, None)
    assert row["_extra"] is None


def test_a_revoke_without_address_and_e_mail_is_the_placeholder_profile(kernel) -> None:
    row = kernel.row(kernel.case("token_revoke_without_ip"))
    assert (row["ip_address"], row["actor_email"], row["actor_email_domain"]) == (None, None, None)
    assert row["actor"] == row["actor_profile_id"] == "105250506097979753968"


def test_an_actor_without_e_mail_and_profile_is_its_key(kernel) -> None:
    row = kernel.row(kernel.case("admin_without_email"))
    assert (row["actor"], row["actor_email"], row["actor_profile_id"], row["actor_caller_type"]) == ("SYSTEM", None, None, "KEY")
    assert row["target_email"] == token("workspace@example.com", kernel.key)
    assert row["target_email_domain"] == "example.com"


def test_a_record_of_five_events_is_five_rows(kernel) -> None:
    result = kernel.run(kernel.case("calendar_five_events"))
    told = kernel.record("calendar_five_events")
    assert result.rows["event_index"].to_list() == [0, 1, 2, 3, 4]
    assert result.rows["event_name"].to_list() == [e["name"] for e in told["events"]]
    assert result.rows["event_hash"].n_unique() == 1
    assert (result.books.records, result.books.rows, result.books.kept) == (1, 5, 5)
    for row, event in zip(result.rows["_extra"], told["events"], strict=True):
        assert [p["name"] for p in json.loads(row)["parameters"]] == [p["name"] for p in event["parameters"]]


@pytest.mark.parametrize("shape", [{"intValue": "512"}, {"intValue": 512}, {"value": "512"}, {"value": 512}])
def test_a_number_is_read_in_every_shape_that_it_is_written_in(kernel, shape: dict[str, Any]) -> None:
    record = kernel.record("token_revoke_without_ip")
    assert kernel.row(parameters(record, {"name": "num_response_bytes", **shape}))["num_response_bytes"] == 512


@pytest.mark.parametrize("unique", ["-9223372036854775808", "9223372036854775807", "0", "00012"])
@pytest.mark.parametrize("as_number", [False, True])
def test_ids_keep_their_digits(kernel, unique: str, as_number: bool) -> None:
    text = kernel.case("token_revoke_without_ip")
    if as_number and unique == "00012":
        pytest.skip("no JSON number begins with zeros")
    told = unique.encode() if as_number else b'"' + unique.encode() + b'"'
    assert kernel.row(text.replace(b'"uniqueQualifier":"3"', b'"uniqueQualifier":' + told))["unique_id"] == unique


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-17T10:05:00.5+01:00", dt.datetime(2026, 11, 17, 9, 5, 0, 500000, tzinfo=dt.UTC)),
        ("2026-11-17T09:05:00", dt.datetime(2026, 11, 17, 9, 5, tzinfo=dt.UTC)),
        ("2026-11-17t09:05:00z", dt.datetime(2026, 11, 17, 9, 5, tzinfo=dt.UTC)),
        ("2026-11-17 09:05:00Z", dt.datetime(2026, 11, 17, 9, 5, tzinfo=dt.UTC)),
        ("2026-11-17T09:05:00.123456789Z", dt.datetime(2026, 11, 17, 9, 5, 0, 123456, tzinfo=dt.UTC)),
        ("2026-11-16T23:59:59.999-10:00", dt.datetime(2026, 11, 17, 9, 59, 59, 999000, tzinfo=dt.UTC)),
    ],
)
def test_times_are_told_in_utc(kernel, text: str, expected: dt.datetime) -> None:
    assert kernel.row(set_at(kernel.record("token_revoke_without_ip"), "id.time", text))["event_time"] == expected


# --- what no column claims ----------------------------------------------------------------------------------------------


def test_unknown_fields_of_every_depth_are_kept_as_they_were_written(kernel) -> None:
    row = kernel.row(kernel.case("unknown_at_every_depth"))
    kept = row["_extra"]
    for text in ('"shard":7.0', '"weight":1e5', '"sequence":123456789012345678901234567890', '"httpStatusCode":200', '"confidence":1.50'):
        assert text in kept
    told = json.loads(kept)
    assert told["resourceDetails"] == [{"id": "r-1", "weight": 1e5}]
    assert told["actor"] == {"applicationInfo": {"oauthClientId": "77.apps", "impersonation": True}}
    assert told["event"]["status"]["eventStatus"] == "SUCCESS"
    assert told["event"]["parameters"] == [{"confidence": 1.5}, {}]
    assert told["parameters"] == [{"name": "new_parameter", "value": f"told by {token('dan@example.com', kernel.key)}"}]
    assert row["client_id"] == "app-1"


def test_network_info_of_another_type_moves_to_extra_and_the_row_stays(kernel) -> None:
    row = kernel.row(set_at(kernel.record("token_activity"), "networkInfo", "AS15169"))
    assert row["ip_asn"] is None
    assert json.loads(row["_extra"]) == {"networkInfo": "AS15169"}


def test_a_network_info_with_one_field_of_another_type_moves_whole(kernel) -> None:
    row = kernel.row(set_at(kernel.record("token_activity"), "networkInfo", {"ipAsn": ["x"], "regionCode": "NL"}))
    assert (row["ip_asn"], row["region_code"]) == (None, None)
    assert json.loads(row["_extra"]) == {"networkInfo": {"ipAsn": ["x"], "regionCode": "NL"}}


def test_parameters_of_no_column_and_second_ones_go_to_extra(kernel) -> None:
    more = [
        {"name": "client_id", "value": "app-other"},
        {"name": "fresh", "boolValue": False},
        {"name": "api_name", "intValue": "7"},
        {"value": "nameless"},
    ]
    row = kernel.row(parameters(kernel.record("token_revoke_without_ip"), *more))
    assert row["client_id"] == "app-1"
    assert row["api_name"] is None
    assert json.loads(row["_extra"])["parameters"] == more


def test_an_event_that_google_names_tomorrow_is_kept_with_all_that_it_says(kernel) -> None:
    told = kernel.record("token_revoke_without_ip")
    told["id"]["applicationName"] = "teleport"
    event = {"type": "beaming", "name": "beam_up", "parameters": [{"name": "client_id", "value": "app-9"}, {"name": "deck", "intValue": "4"}]}
    result = kernel.run({**told, "events": [*told["events"], {**event, "outcome": "arrived"}]})
    assert (result.books.records, result.books.rows, result.books.kept) == (1, 2, 2)
    row = result.rows.filter(event_index=1).row(0, named=True)
    assert (row["application"], row["event_type"], row["event_name"], row["client_id"]) == ("teleport", "beaming", "beam_up", "app-9")
    assert json.loads(row["_extra"]) == {"event": {"outcome": "arrived"}, "parameters": [{"name": "deck", "intValue": "4"}]}


def test_a_parameter_with_two_values_is_kept_whole_beside_its_column(kernel) -> None:
    odd = {"name": "api_name", "value": "gmail", "intValue": "7"}
    row = kernel.row(parameters(kernel.record("token_revoke_without_ip"), odd))
    assert row["api_name"] == "gmail"
    assert json.loads(row["_extra"])["parameters"] == [odd]


@pytest.mark.parametrize(
    "part",
    [
        {"name": "added", "value": "x"},
        {"name": "scope_name", "value": "second"},
        {"name": "product_bucket", "value": "GMAIL"},
        {"name": "scope_name", "value": "x", "multiValue": ["y"]},
    ],
)
def test_scope_data_that_says_more_than_scope_and_buckets_is_kept_in_extra_too(kernel, part: dict[str, Any]) -> None:
    record = kernel.record("token_authorize_without_type")
    message = record["events"][0]["parameters"][3]["multiMessageValue"][0]["parameter"]
    if part["name"] == "scope_name" and "multiValue" in part:
        message[0] = part
    else:
        message.append(part)
    row = kernel.row(record)
    assert len(row["scope_data"]) == 2
    assert json.loads(row["_extra"])["parameters"] == [record["events"][0]["parameters"][3]]


@pytest.mark.parametrize("name", ["event", "parameters"])
def test_an_unknown_field_named_like_a_place_of_extra_is_not_overwritten(kernel, name: str) -> None:
    record = kernel.record("unknown_at_every_depth") | {name: {"mine": 17}}
    row = kernel.row(record)
    assert '{"mine":17}' in row["_extra"]
    told = json.loads(row["_extra"])
    assert told["event"]["status"]["eventStatus"] == "SUCCESS"
    assert told["parameters"][0]["name"] == "new_parameter"


def test_no_declared_field_is_left_out_of_the_table(kernel) -> None:
    """Change any value of a record: the row changes (columns or `_extra`), or the record is refused. Masked fields and the constant `kind` aside."""
    record = kernel.record("token_activity") | {"ownerDomain": "example.com"}
    record["actor"]["key"] = "consumer"
    before = kernel.row(record)
    content = [c for c in before if c not in ("event_hash", "_extra")] + ["_extra"]
    paths = ["ownerDomain", "ipAddress", "id.uniqueQualifier", "id.customerId", "id.applicationName", "actor.callerType", "actor.email"]
    paths += ["actor.profileId", "actor.key", "networkInfo.regionCode", "networkInfo.subdivisionCode", "events.type", "events.name"]
    for path in paths:
        after = kernel.row(set_at(record, path, "other"))
        assert [after[c] for c in content] != [before[c] for c in content], path


# --- the same event, and another ----------------------------------------------------------------------------------------


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: reversed_keys(v) for k, v in reversed(value.items())}
    return [reversed_keys(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["token_activity", "token_authorize_without_type", "calendar_five_events", "unknown_at_every_depth"])
def test_etag_key_order_and_parameter_order_do_not_make_another_event(kernel, name: str) -> None:
    one = kernel.record(name)
    other = reversed_keys(one | {"etag": '"another/download"'})
    for event in other["events"]:
        event["parameters"].reverse()
        for parameter in event["parameters"]:
            for message in parameter.get("multiMessageValue", []):
                message["parameter"].reverse()
    rows = kernel.run(one, other).rows
    key = ["event_time", "unique_id", "application", "customer_id", "event_hash", "event_index"]
    assert rows.height == 2 * len(one["events"])
    assert rows.select(key).unique().height == len(one["events"])


def test_messages_after_an_empty_one_are_canonical_too(kernel) -> None:
    parts = [{"name": "b", "value": "1"}, {"name": "a", "value": "2"}]
    records = [
        parameters(kernel.record("token_revoke_without_ip"), {"name": "m", "multiMessageValue": [None, {"parameter": order}]})
        for order in (parts, parts[::-1])
    ]
    assert kernel.run(*records).rows["event_hash"].n_unique() == 1


def test_two_records_with_one_id_and_other_events_are_both_kept(kernel) -> None:
    one = kernel.record("token_activity")
    rows = kernel.run(one, set_at(one, "events.name", "other")).rows
    assert rows.height == 2
    assert rows["event_hash"].n_unique() == 2


def test_the_order_of_events_is_part_of_the_record(kernel) -> None:
    one = kernel.record("calendar_five_events")
    assert kernel.run(one, one | {"events": one["events"][::-1]}).rows["event_hash"].n_unique() == 2
