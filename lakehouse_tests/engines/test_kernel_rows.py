"""What becomes of a line: a row, an entry of the quarantine, or part of `_extra`. Nothing is lost and nobody is named."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernel_lines import LANDED, Kernel, whole

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import Records
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.origin import PartContext
from lakehouse.engines.kernel.rows import BlockResult, process_block
from lakehouse.engines.kernel.tokens import token

DATASET = find_dataset("workspace_audit")
ADDRESS = re.compile(r"[^\s\"'<>(),;:\\]+@[\w-]+(?:\.[\w-]+)+|%40|\\u0040")


def set_at(record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the record with another value at a dotted path (a list is entered at its first item)."""
    changed = copy.deepcopy(record)
    *folders, last = path.split(".")
    place: Any = changed
    for name in folders:
        place = place[name][0] if isinstance(place[name], list) else place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


def parameters(record: dict[str, Any], *added: dict[str, Any]) -> dict[str, Any]:
    """A copy of the record whose first event has more parameters."""
    changed = copy.deepcopy(record)
    changed["events"][0]["parameters"].extend(added)
    return changed


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


# --- quarantine ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "rule", "level"),
    [
        (b'{"id":{"time":"2026-11-17T09:05:00Z", broken', "unreadable_json", "line"),
        (b'{"id":1,"id":2}', "unreadable_json", "line"),
        (b'{"u":"\xff"}', "unreadable_json", "line"),
        (b"[1,2]", "not_an_object", "line"),
        (b'"text"', "not_an_object", "line"),
        (b"null", "not_an_object", "line"),
        (b"{}", "missing_required", "row"),
    ],
)
def test_lines_that_are_no_record(kernel, line: bytes, rule: str, level: str) -> None:
    found = kernel.fate(line)
    assert (found[0], found[2]) == (rule, level)


@pytest.mark.parametrize(
    ("path", "value", "rule", "field"),
    [
        ("id", ..., "missing_required", "id"),
        ("id", None, "missing_required", "id"),
        ("id", "x", "changed_type", "id"),
        ("id.time", ..., "missing_required", "id.time"),
        ("id.time", 1700000000, "changed_type", "id.time"),
        ("id.customerId", None, "missing_required", "id.customerId"),
        ("id.uniqueQualifier", True, "changed_type", "id.uniqueQualifier"),
        ("id.uniqueQualifier", ["1"], "changed_type", "id.uniqueQualifier"),
        ("actor", "ada", "changed_type", "actor"),
        ("actor.email", 5, "changed_type", "actor.email"),
        ("events", ..., "missing_required", "events"),
        ("events", {}, "changed_type", "events"),
        ("events", [None], "missing_required", "events[].name"),
        ("events", [], "no_rows", None),
        ("events.name", ..., "missing_required", "events[].name"),
        ("events.parameters", "x", "changed_type", "events[].parameters"),
        ("events.parameters.name", 3, "changed_type", "events[].parameters[].name"),
    ],
)
def test_records_that_cannot_be_rows(kernel, path: str, value: Any, rule: str, field: str | None) -> None:
    record = set_at(kernel.record("token_activity"), path, value)
    assert kernel.fate(record, grain=Grain.parse("2026-11-17T09")) == (rule, field, "row")


@pytest.mark.parametrize(
    ("value", "rule"),
    [("-1", "out_of_range"), ("many", "not_a_number"), ("1.5", "not_a_number"), ("9223372036854775808", "not_a_number"), ("", "not_a_number")],
)
def test_a_response_size_that_is_none(kernel, value: str, rule: str) -> None:
    record = parameters(kernel.record("token_revoke_without_ip"), {"name": "num_response_bytes", "intValue": value})
    assert kernel.fate(record) == (rule, "num_response_bytes", "row")


def test_an_unreadable_time_in_a_grain_is_told_first(kernel) -> None:
    record = parameters(kernel.record("token_revoke_without_ip"), {"name": "num_response_bytes", "intValue": "-1"})
    assert kernel.fate(set_at(record, "id.time", "soon")) == ("time_unreadable", "event_time", "row")


def test_a_record_of_another_hour_is_misrouted(kernel) -> None:
    found = kernel.fate(kernel.case("token_activity"), grain=Grain.parse("2026-11-17T10"))
    assert found == ("misrouted", "event_time", "row")
    assert kernel.fate(kernel.case("token_activity"), grain=Grain.parse("2026-11-18T09"))[0] == "misrouted"


@pytest.mark.parametrize(
    ("time", "rule"),
    [
        ("not a time", "time_unreadable"),
        ("2026-13-01T00:00:00Z", "time_unreadable"),
        ("2026-11-17T23:59:60Z", "time_unreadable"),
        ("2019-01-01T00:00:00Z", "before_start"),
        ("2026-11-20T12:00:01Z", "in_future"),
    ],
)
def test_unplaced_lines_say_why_they_have_no_place(kernel, time: str, rule: str) -> None:
    record = set_at(kernel.record("token_activity"), "id.time", time)
    assert kernel.fate(record, grain=Grain.unplaced(dt.date(2026, 11, 20))) == (rule, "event_time", "row")


@pytest.mark.parametrize(
    ("time", "rule"),
    [
        ("2026-11-10T23:59:59.999Z", "day_sealed"),
        ("2026-11-11T00:00:00.000Z", "before_start"),
        ("2026-11-20T12:00:01.000Z", "in_future"),
        ("never", "time_unreadable"),
    ],
)
def test_an_unplaced_line_of_a_sealed_day_says_so(kernel, time: str, rule: str) -> None:
    record = set_at(kernel.record("groups_two_events"), "id.time", time)
    sealed = frozenset({dt.date(2026, 11, 10), dt.date(2026, 11, 20)})
    result = kernel.run(record, grain=Grain.unplaced(dt.date(2026, 11, 20)), sealed=sealed)
    assert result.quarantine["rule"].to_list() == [rule, rule]
    assert result.rows.height == 0


def test_the_future_is_that_of_the_beginning_of_a_fetch(kernel) -> None:
    """A line of 13:06 that was read at 13:00 had no place, though its fetch landed at 13:08."""
    record = set_at(kernel.record("token_activity"), "id.time", "2026-11-20T13:06:00.000Z")
    began = dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC)
    unplaced = Grain.unplaced(began.date())
    assert kernel.fate(record, grain=unplaced, started=began, landed=began + dt.timedelta(minutes=8))[0] == "in_future"


def test_one_row_of_a_sealed_day_tells_of_its_whole_record_and_of_no_other(kernel) -> None:
    """A record may tell of several days: it has no place because one of them is sealed."""
    record = kernel.record("groups_two_events")

    def two_days(records: Records, contract: Contract) -> pl.DataFrame:
        rows = DATASET.transform(records, contract)
        return rows.with_columns(pl.col("event_time") + pl.duration(days=pl.col("event_index")))

    lines = [json.dumps(set_at(record, "id.time", f"2026-11-{day}T09:00:00.000Z")).encode() for day in (10, 12)]
    today = dt.date(2026, 11, 20)
    context = PartContext(Grain.unplaced(today), "part", "fetch", "token", LANDED, LANDED, sealed=frozenset({dt.date(2026, 11, 10)}))
    contract = replace(DATASET.contract, rows_span_days=True)
    result = process_block(b"\n".join(lines), whole(lines, context), contract=contract, transform=two_days, key=kernel.key)
    assert result.quarantine.sort("line", "row").select("line", "rule").rows() == [(1, "day_sealed")] * 2 + [(2, "before_start")] * 2


def test_unplaced_lines_that_are_no_record_keep_their_own_rule(kernel) -> None:
    unplaced = Grain.unplaced(dt.date(2026, 11, 20))
    assert kernel.fate(b"{broken", grain=unplaced)[0] == "unreadable_json"
    assert kernel.fate(b"{}", grain=unplaced)[0] == "missing_required"


def test_a_bad_event_leaves_its_siblings_alone(kernel) -> None:
    record = kernel.record("groups_two_events")
    record["events"][1]["parameters"].append({"name": "num_response_bytes", "intValue": "-3"})
    result = kernel.run(record)
    assert result.rows["event_index"].to_list() == [0]
    entry = result.quarantine.row(0, named=True)
    assert (entry["rule"], entry["row"], entry["line"], entry["level"]) == ("out_of_range", 1, 1, "row")
    assert entry["event_time"] == dt.datetime(2022, 8, 2, 7, 23, 13, 49000, tzinfo=dt.UTC)
    assert (result.books.records, result.books.rows, result.books.quarantined, result.books.kept) == (1, 2, 1, 1)


def test_every_line_of_a_mixed_block_is_in_one_term(kernel) -> None:
    lines = [kernel.case("token_activity"), b"", b"{", b"  ", b"[]", kernel.case("token_revoke_without_ip"), b"{}", kernel.case("token_activity")]
    result = kernel.run(*lines)
    assert (result.books.lines, result.books.blank, result.books.unreadable, result.books.records) == (8, 2, 2, 4)
    assert (result.books.rows, result.books.quarantined, result.books.kept) == (4, 1, 3)
    assert result.quarantine.select("line", "rule").sort("line").rows() == [(3, "unreadable_json"), (5, "not_an_object"), (7, "missing_required")]
    assert result.rows["_line"].to_list() == [1, 6, 8]


def test_a_block_of_nothing_is_no_rows(kernel) -> None:
    result = kernel.run(b"", b" ", grain=Grain.parse("2026-11-17T09"))
    assert (result.books.lines, result.books.blank, result.rows.height) == (2, 2, 0)


# --- people -------------------------------------------------------------------------------------------------------------


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [t for k, v in value.items() for t in (*texts_of(k), *texts_of(v))]
    return [t for v in value for t in texts_of(v)] if isinstance(value, list) else []


def addresses(result: BlockResult) -> list[str]:
    """Everything in rows, quarantine and census that looks like an address."""
    frames = [result.rows, result.quarantine]
    texts = [t for frame in frames for row in frame.iter_rows(named=True) for t in texts_of(list(row.values()))]
    texts += [path for path, _, _ in result.census]
    texts += list(result.unknown_values)
    return [found.group() for t in texts for found in ADDRESS.finditer(t)]


def test_no_address_leaves_the_kernel(kernel) -> None:
    names = [
        "token_activity",
        "token_authorize_without_type",
        "calendar_five_events",
        "groups_two_events",
        "admin_without_email",
        "unknown_at_every_depth",
    ]
    for name in names:
        result = kernel.run(kernel.case(name))
        assert result.rows.height
        assert addresses(result) == []
    odd = set_at(kernel.record("token_activity"), "events", "mail ada@example.com")
    assert addresses(kernel.run(odd)) == []
    assert addresses(kernel.run(b'{"id":"ada@example.com')) == []


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "Ada Lovelace <ada@example.com>",
        "mailto:ada@example.com?subject=x",
        "a.b+c@sub.example.co.uk",
        "first@example.com,second@example.com",
        "jürgen@bücher.example",
        "zoë@example.com",
        "line\nada@example.com",
        "tab\tada@example.com\\n",
        "https://x.example/?u=ada%40example.com&v=1",
        '{"inner":"ada@example.com"}',
    ],
)
@pytest.mark.parametrize("escape", ["plain", "ascii", "at", "letters"])
def test_addresses_in_extra_are_tokens_however_they_are_written(kernel, text: str, escape: str) -> None:
    """`escape`: as UTF-8, non-ASCII escaped, the @ escaped, every letter escaped."""
    record = kernel.record("token_revoke_without_ip") | {"note": "PLACE"}
    told = json.dumps(text, ensure_ascii=escape != "plain")
    if escape == "at":
        told = told.replace("@", "\\u0040")
    if escape == "letters":
        told = '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"'
    line = json.dumps(record, separators=(",", ":")).replace('"PLACE"', told).encode()
    result = kernel.run(line)
    kept = json.loads(result.rows["_extra"][0])["note"]
    assert "tok_" in kept
    assert addresses(result) == []
    assert not ADDRESS.search(kept)
    assert not re.search("ada|first|second|rgen|zo", kept.replace("Ada Lovelace", ""))


def test_a_text_without_addresses_stays_as_it_was(kernel) -> None:
    notes = ["@home", "a @ b", "5 @", "user@localhost", r"C:\u0040", '\\u0040 \\\\ " \u2028 \x7f é', "😀@"]
    for note in notes:
        record = kernel.record("token_revoke_without_ip") | {"note": note}
        assert json.loads(kernel.row(record)["_extra"])["note"] == note


def test_a_field_named_like_an_address_is_a_token_in_extra_and_census(kernel) -> None:
    result = kernel.run(kernel.record("token_activity") | {"ada@example.com": {"role": "owner"}, "acl": {"bob@example.com": 1}})
    assert addresses(result) == []
    told = json.loads(result.rows["_extra"][0])
    assert told[token("ada@example.com", kernel.key)] == {"role": "owner"}
    assert told["acl"] == {token("bob@example.com", kernel.key): 1}


def test_one_address_is_one_token_everywhere(kernel) -> None:
    record = parameters(kernel.record("token_activity"), {"name": "note", "value": "ADA.lovelace@example.com"})
    row = kernel.row(record)
    assert json.loads(row["_extra"])["parameters"][0]["value"] == row["actor_email"]


# --- anything -----------------------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "parameter", "parameters", "u", "event"]), inner, max_size=3)
    ),
    max_leaves=8,
)
items = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["client_id", "scope", "scope_data", "num_response_bytes", "is_suspicious", "login_challenge_method", "x"]) | values,
        "value": st.text(max_size=3) | values,
        "intValue": st.integers(-(2**65), 2**65).map(str) | values,
        "boolValue": st.booleans() | values,
        "multiValue": st.lists(st.text(max_size=2), max_size=2) | values,
        "multiMessageValue": st.lists(
            st.none()
            | st.fixed_dictionaries(
                {},
                optional={
                    "parameter": st.lists(
                        st.fixed_dictionaries(
                            {},
                            optional={
                                "name": st.sampled_from(["scope_name", "product_bucket", "y"]),
                                "value": st.text(max_size=2),
                                "multiValue": st.lists(st.text(max_size=2), max_size=2),
                                "z": values,
                            },
                        ),
                        max_size=3,
                    )
                },
            ),
            max_size=2,
        ),
        "w": values,
    },
)
events = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(max_size=3)}, optional={"type": st.text(max_size=2), "parameters": st.lists(items, max_size=3), "status": values}
    ),
    max_size=3,
)
activities = st.fixed_dictionaries(
    {
        "id": st.fixed_dictionaries(
            {
                "time": st.sampled_from(["2026-11-17T09:00:00Z", "2026-11-17T09:59:59.999Z", "x"]),
                "uniqueQualifier": st.integers() | st.text(max_size=3),
            }
            | {n: st.just("a") for n in ("applicationName", "customerId")},
            optional={"v": values},
        ),
        "events": events | values,
    },
    optional={"actor": st.fixed_dictionaries({}, optional={"email": st.text(max_size=5), "key": values}), "networkInfo": values, "u": values},
)


IDENTITY = {"time": "2026-11-17T09:00:00Z", "uniqueQualifier": "1", "applicationName": "a", "customerId": "a"}


@settings(max_examples=30, deadline=None)
@example([{"id": IDENTITY, "events": [{"name": "a"}], "u": [None, None]}])
@example([{"id": IDENTITY, "events": [{"name": "a", "status": [[None, None]]}]}, {"id": IDENTITY, "events": [{"name": "a", "status": [[1]]}]}])
@example([{"id": IDENTITY, "events": [{"name": "a", "status": 2**70, "parameters": [None, {"multiMessageValue": [None, {}]}]}]}])
@given(st.lists(activities, min_size=1, max_size=4))
def test_whatever_is_in_a_record_the_books_close(records: list[dict[str, Any]]) -> None:
    result = Kernel().run(*records, grain=Grain.parse("2026-11-17T09"))
    assert result.books.lines == len(records)
    for text in result.rows["_extra"].drop_nulls():
        assert isinstance(json.loads(text), dict)
