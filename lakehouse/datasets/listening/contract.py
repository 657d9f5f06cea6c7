"""The contract of `listening`. Facts about the log: a month of it as recorded, and exports of the same events as CSV."""

from __future__ import annotations

import datetime as dt

from lakehouse.contracts.model import Column, Contract, JsonField, JsonObject, JsonText, ListType, RecordTime
from lakehouse.contracts.policies import DriftPolicy
from lakehouse.datasets.user_agents import RULES

# Numbers in JSON, texts in CSV: one record for both.
_NUMBER = JsonText(numbers=True)

RECORD = JsonObject(
    (
        JsonField("artist"),
        JsonField("auth"),
        # Names of people stay in raw: no column takes them, so clean does not know them.
        JsonField("firstName"),
        JsonField("gender"),
        JsonField("itemInSession", _NUMBER, required=True),
        JsonField("lastName"),
        JsonField("length", _NUMBER),
        JsonField("level", required=True),
        JsonField("location"),
        JsonField("method"),
        JsonField("page", required=True),
        JsonField("registration", _NUMBER),
        JsonField("sessionId", _NUMBER, required=True),
        JsonField("song"),
        JsonField("status", _NUMBER),
        JsonField("ts", _NUMBER, required=True),
        JsonField("userAgent"),
        JsonField("userId", _NUMBER),
    )
)

PAGES = (
    "NextSong", "Home", "Login", "Logout", "Settings", "Save Settings", "Help", "About", "Error", "Upgrade", "Submit Upgrade", "Downgrade",
    "Submit Downgrade", "Register", "Submit Registration", "Cancel", "Cancellation Confirmation", "Thumbs Up", "Thumbs Down", "Add to Playlist",
    "Add Friend", "Roll Advert",
)  # fmt: skip

COLUMNS = (
    Column("event_time", "timestamp", "When it happened; the log writes milliseconds since 1970.", "ts", nullable=False),
    Column(
        "event_id",
        "string",
        "Made by us, as the log has none: hash of event_time, user_id, session_id and item_in_session, 32 hex digits.",
        "ts, userId, sessionId, itemInSession",
        nullable=False,
    ),
    Column("user_id", "string", "Who; null for somebody who is logged out (the log writes an empty text).", "userId", pii="identity"),
    Column("session_id", "int64", "Session; it may go on over midnight.", "sessionId", nullable=False, minimum=0),
    Column("item_in_session", "int64", "Place of the event in its session, from 0.", "itemInSession", nullable=False, minimum=0),
    Column("page", "string", "What was asked for; NextSong is a play.", "page", nullable=False, allowed=PAGES, open_vocabulary=True),
    Column("level", "string", "Subscription at that moment.", "level", nullable=False, allowed=("free", "paid")),
    Column("song", "string", "Title, as it came; null for what is no play.", "song"),
    Column("artist", "string", "Artist, as it came; null for what is no play.", "artist"),
    Column("length", "float64", "Length of the song.", "length", minimum=0, maximum=86_400, unit="seconds"),
    Column("location", "string", "Metropolitan area of the user.", "location"),
    Column("gender", "string", "Gender of the user, as registered.", "gender", allowed=("F", "M"), open_vocabulary=True),
    Column("auth", "string", "State of the login.", "auth", allowed=("Logged In", "Logged Out", "Guest", "Cancelled"), open_vocabulary=True),
    Column("registered_at", "timestamp", "When the user registered; the log writes milliseconds since 1970.", "registration"),
    Column("method", "string", "Method of the HTTP request.", "method", allowed=("GET", "PUT", "POST"), open_vocabulary=True),
    Column("status", "int64", "Status of the HTTP answer.", "status", minimum=100, maximum=599),
    Column("user_agent", "string", "User agent, without the quotes that the log puts around some.", "userAgent"),
    Column("browser", "string", "Family of the browser.", "userAgent"),
    Column("browser_version", "string", "Its major version.", "userAgent"),
    Column("os", "string", "Family of the operating system.", "userAgent"),
    Column("device", "string", "Family of the device; null for a plain computer.", "userAgent"),
    Column(
        "quality",
        ListType("string"),
        "What is odd about a record that was kept, each as rule:column; empty where nothing is. Rules: double_encoded (UTF-8 that was read as "
        "Latin-1 and written again; the text is kept as it came), play_without, text_without_play, logged_in_without, before_registration.",
        nullable=False,
    ),
)

CONTRACT = Contract(
    name="listening",
    title="Music plays and page views",
    description="One row per event of a music streaming service: a play (page NextSong) or another page. People who are logged out are kept.",
    grain="day",
    record=RECORD,
    columns=COLUMNS,
    key=("event_time", "event_id"),
    id_columns=("event_id",),
    event_time="event_time",
    times=(RecordTime("ts", "epoch_ms"),),
    version=1,
    transform_version=1,
    owners=("team:music-data",),
    allowed_lateness=None,  # a late event is taken in whenever it comes
    freshness=dt.timedelta(hours=36),
    history=dt.timedelta(days=7305),  # exports of the log are read years later; the recorded month is of 2018
    drift=DriftPolicy(unknown_fields_error_share=1.0, quarantined_error_share=0.05),  # new fields are told of, and are no error
    tags=(("domain", "music"), ("pii", "names-stay-in-raw")),
    libraries=("ua-parser", RULES),
)
