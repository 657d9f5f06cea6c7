"""The contract of `workspace_audit`. Facts about the API: Google's reference of `activities.list` (2026) and recorded responses."""

from __future__ import annotations

import datetime as dt

from lakehouse.contracts.model import (
    Column,
    Contract,
    JsonBool,
    JsonField,
    JsonInt,
    JsonList,
    JsonObject,
    JsonText,
    ListType,
    RecordTime,
    StructType,
)
from lakehouse.contracts.policies import DriftPolicy

# int64 values arrive as strings from Google and as numbers from tools that re-emit them: take both.
NUMBER_TEXT = JsonText(numbers=True)

_SIMPLE_VALUES = (
    JsonField("name"),
    JsonField("value", NUMBER_TEXT),
    JsonField("intValue", NUMBER_TEXT),
    JsonField("boolValue", JsonBool()),
    JsonField("multiValue", JsonList(JsonText())),
    JsonField("multiIntValue", JsonList(NUMBER_TEXT)),
)
_MESSAGE = JsonObject((JsonField("parameter", JsonList(JsonObject(_SIMPLE_VALUES))),))

RECORD = JsonObject(
    (
        JsonField("kind"),
        # The prefix of the etag changes between downloads of the same event: it follows the fetch, not the event.
        JsonField("etag", masked=True),
        JsonField(
            "id",
            JsonObject(
                (
                    JsonField("time", required=True),
                    JsonField("uniqueQualifier", NUMBER_TEXT, required=True),
                    JsonField("applicationName", required=True),
                    JsonField("customerId", required=True),
                )
            ),
            required=True,
        ),
        JsonField("actor", JsonObject((JsonField("callerType"), JsonField("email"), JsonField("profileId", NUMBER_TEXT), JsonField("key")))),
        JsonField("ownerDomain"),
        JsonField("ipAddress"),
        JsonField(
            "networkInfo",
            JsonObject((JsonField("ipAsn", JsonList(JsonInt())), JsonField("regionCode"), JsonField("subdivisionCode"))),
            on_conflict="extra",
        ),
        JsonField(
            "events",
            JsonList(
                JsonObject(
                    (
                        JsonField("type"),
                        JsonField("name", required=True),
                        JsonField(
                            "parameters",
                            JsonList(
                                JsonObject((*_SIMPLE_VALUES, JsonField("messageValue", _MESSAGE), JsonField("multiMessageValue", JsonList(_MESSAGE))))
                            ),
                        ),
                    )
                )
            ),
            required=True,
        ),
    )
)

_SCOPE_DATA = ListType(StructType((("scope", "string"), ("product_buckets", ListType("string")))))

COLUMNS = (
    Column("event_time", "timestamp", "When it happened (the API truncates to milliseconds).", "id.time", nullable=False),
    Column(
        "unique_id",
        "string",
        "uniqueQualifier, a signed int64 as text. Not unique by itself: 9 values in 71 recorded logins.",
        "id.uniqueQualifier",
        False,
    ),
    Column("application", "string", "Application of the log: token, login, saml, admin, drive, ...", "id.applicationName", nullable=False),
    Column("customer_id", "string", "Workspace customer.", "id.customerId", nullable=False),
    Column("event_hash", "string", "Hash of the record's events, whatever the order of object keys and parameters, 32 hex digits.", "events", False),
    Column("event_index", "int64", "Place of the event in its record, from 0.", "events[]", nullable=False, minimum=0),
    Column("actor", "string", "Who: e-mail token, else profile id, else key.", "actor", pii="identity"),
    Column("actor_email", "string", "E-mail address of the actor, as a keyed token.", "actor.email", pii="email"),
    Column("actor_email_domain", "string", "Domain of the actor's e-mail address, in clear.", "actor.email"),
    Column("actor_profile_id", "string", "Profile id; 105250506097979753968 stands for no user.", "actor.profileId"),
    Column("actor_caller_type", "string", "USER, KEY or APPLICATION; missing in most token records.", "actor.callerType"),
    Column("actor_key", "string", "SYSTEM, an OAuth consumer key or a robot account; only with caller type KEY.", "actor.key", pii="identity"),
    Column("ip_address", "string", "Address the actor came from; missing in revokes.", "ipAddress"),
    Column("ip_asn", ListType("int64"), "Autonomous systems of the address.", "networkInfo.ipAsn"),
    Column("region_code", "string", "Country of the address.", "networkInfo.regionCode"),
    Column("subdivision_code", "string", "Part of the country, such as US-CA.", "networkInfo.subdivisionCode"),
    Column("owner_domain", "string", "Domain that owns the log entry.", "ownerDomain"),
    Column("event_type", "string", "Type of the event; the API leaves it out of authorize and revoke.", "events[].type"),
    Column("event_name", "string", "Name of the event.", "events[].name", nullable=False),
    Column("api_name", "string", "token: API that was called.", "events[].parameters[api_name]"),
    Column("method_name", "string", "token: method that was called, such as gmail.users.history.list.", "events[].parameters[method_name]"),
    Column("client_id", "string", "token: OAuth client.", "events[].parameters[client_id]"),
    Column("app_name", "string", "token: name of the OAuth application.", "events[].parameters[app_name]"),
    Column("client_type", "string", "token: WEB, NATIVE_ANDROID, ... (an open set).", "events[].parameters[client_type]"),
    Column("product_bucket", "string", "token: product that the call went to (an open set).", "events[].parameters[product_bucket]"),
    Column(
        "num_response_bytes",
        "int64",
        "token: size of the answer; only activity events carry it, null is not 0.",
        "events[].parameters[num_response_bytes]",
        minimum=0,
        unit="bytes",
    ),
    Column("scopes", ListType("string"), "token: OAuth scopes.", "events[].parameters[scope]"),
    Column("scope_data", _SCOPE_DATA, "token: each scope with its product buckets.", "events[].parameters[scope_data]"),
    Column("login_type", "string", "login: google_password, saml, ...", "events[].parameters[login_type]"),
    Column("login_challenge_method", ListType("string"), "login: challenges that were met.", "events[].parameters[login_challenge_method]"),
    Column("login_failure_type", "string", "login and saml: why it failed.", "events[].parameters[login_failure_type,failure_type]"),
    Column("is_suspicious", "bool", "login: Google called it suspicious.", "events[].parameters[is_suspicious]"),
    Column("is_second_factor", "bool", "login: the challenge was a second factor.", "events[].parameters[is_second_factor]"),
    Column("saml_application", "string", "saml: service provider.", "events[].parameters[application_name]"),
    Column("orgunit_path", "string", "saml and admin: organisational unit.", "events[].parameters[orgunit_path,ORG_UNIT_NAME]"),
    Column("setting_name", "string", "admin: setting that was changed.", "events[].parameters[SETTING_NAME]"),
    Column("role_name", "string", "admin: role that was given or taken.", "events[].parameters[ROLE_NAME]"),
    Column(
        "target_email",
        "string",
        "admin and drive: whom it was done to, as a keyed token.",
        "events[].parameters[USER_EMAIL,target_user]",
        pii="email",
    ),
    Column("target_email_domain", "string", "Domain of the target's e-mail address, in clear.", "events[].parameters[USER_EMAIL,target_user]"),
    Column("doc_id", "string", "drive: document.", "events[].parameters[doc_id]"),
    Column("doc_type", "string", "drive: kind of document.", "events[].parameters[doc_type]"),
    Column("doc_owner", "string", "drive: owner, as a keyed token.", "events[].parameters[owner]", pii="email"),
    Column("visibility", "string", "drive: who may see the document after the event.", "events[].parameters[visibility]"),
    Column("visibility_change", "string", "drive: external, internal or none.", "events[].parameters[visibility_change]"),
)

CONTRACT = Contract(
    name="workspace_audit",
    title="Google Workspace audit log",
    description="One row per event of every activity of the Admin SDK Reports API: OAuth tokens first, then logins, SAML, admin actions, Drive.",
    grain="hour",
    record=RECORD,
    columns=COLUMNS,
    key=("event_time", "unique_id", "application", "customer_id", "event_hash", "event_index"),
    id_columns=("unique_id", "application", "customer_id"),
    event_time="event_time",
    times=(RecordTime("id.time"),),
    version=1,
    transform_version=2,
    owners=("team:security-data",),
    allowed_lateness=None,  # a late event is taken in whenever it comes
    freshness=dt.timedelta(hours=6),
    history=dt.timedelta(days=180),  # the retention of the Reports API
    drift=DriftPolicy(unknown_fields_error_share=1.0, quarantined_error_share=0.05),  # new fields are told of, and are no error
    tags=(("domain", "security"), ("pii", "tokenised")),
)
