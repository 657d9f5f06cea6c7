"""The contract of `clickstream`: three feeds, one table.

`events`: page views, clicks and steps to an order as JSON Lines. `globo`: clicks on articles as CSV, in a file chosen by the start of the session, so
that clicks come up to 25 days late. `access_log`: a web server's log in the combined format.
"""

from __future__ import annotations

import datetime as dt

from lakehouse.contracts.model import Column, Contract, JsonField, JsonObject, RecordTime
from lakehouse.contracts.policies import DriftPolicy
from lakehouse.datasets.user_agents import RULES

FEEDS = ("events", "globo", "access_log")
EVENT_TIME = "timestamp"
CLICK_TIME = "click_timestamp"
LOG_TIME = "time"
LOG_TIME_FORMAT = "%d/%b/%Y:%H:%M:%S %z"

CATEGORIES: dict[str, str] = {
    "page_view": "engagement",
    "click": "engagement",
    "scroll": "engagement",
    "search": "engagement",
    "video_play": "engagement",
    "add_to_cart": "conversion",
    "remove_from_cart": "conversion",
    "checkout": "conversion",
    "purchase": "conversion",
    "signup": "conversion",
    "login": "account",
    "logout": "account",
    "heartbeat": "system",
    "ping": "system",
    "asset": "asset",
    "request": "request",
}
"""What an event is worth, by its type. A type that is not here is `other`, and reported."""
LOW_VALUE = ("heartbeat", "ping")
"""Types of events that tell of an open page only: they are filtered by the rule `heartbeat`."""

RECORD = JsonObject(
    tuple(
        JsonField(name)
        for name in (
            # events
            "event_id", "user_id", EVENT_TIME, "event_type", "page_url", "user_agent", "session_id", "referrer",
            # globo; `user_id` and `session_id` are of both
            "session_start", "session_size", "click_article_id", CLICK_TIME, "click_environment", "click_deviceGroup", "click_os", "click_country",
            "click_region", "click_referrer_type",
            # access_log
            "host", "ident", "user", LOG_TIME, "request", "status", "size", "referer", "agent",
        )
    )
)  # fmt: skip

COLUMNS = (
    Column("event_time", "timestamp", "When it happened.", "timestamp, click_timestamp or time", nullable=False),
    Column(
        "event_id",
        "string",
        "Id of the event; of clicks and log lines made of what tells them apart, with the number of the line among identical lines of its file.",
        "event_id",
        nullable=False,
    ),
    Column("feed", "string", "events, globo or access_log.", nullable=False, allowed=FEEDS),
    Column(
        "event_type",
        "string",
        "What was done, in lower case. A log line is a page_view (a page was got), an asset (of a page) or another request.",
        "event_type",
        nullable=False,
        allowed=tuple(CATEGORIES),
        open_vocabulary=True,
    ),
    Column("event_category", "string", "engagement, conversion, account, asset, request or other.", nullable=False),
    Column(
        "user_id",
        "string",
        "Who; a token where it is an e-mail address. Null in log lines of visitors without a name.",
        "user_id, user",
        pii="identity",
    ),
    Column("session_id", "string", "Session, unique with its user; log lines have none.", "session_id"),
    Column("session_start", "timestamp", "globo: when the session began, by the producer.", "session_start"),
    Column("session_size", "int64", "globo: clicks of the whole session, by the producer.", "session_size", minimum=0),
    Column("page", "string", "Path without query; of globo the number of the article.", "page_url, click_article_id, request"),
    Column("referrer_host", "string", "Host that the visitor came from.", "referrer, referer"),
    Column("user_agent", "string", "The user agent as it was told, e-mail addresses left out.", "user_agent, agent"),
    Column("agent_is_parsed", "bool", "Whether the user agent is one that is known; null without one.", "user_agent, agent"),
    Column("browser", "string", "Browser without version; of globo the number of the environment.", "user_agent, agent, click_environment"),
    Column("os", "string", "Operating system without version; of globo its number.", "user_agent, agent, click_os"),
    Column("device_type", "string", "desktop, mobile, tablet, tv, console, other; of globo its number.", "user_agent, agent, click_deviceGroup"),
    Column("country", "int64", "globo: number of the country.", "click_country"),
    Column("region", "int64", "globo: number of the region.", "click_region"),
    Column("referrer_type", "int64", "globo: number of the kind of referrer.", "click_referrer_type"),
    Column("host", "string", "access_log: address or name of the client.", "host"),
    Column("method", "string", "access_log: HTTP method.", "request"),
    Column("status", "int64", "access_log: HTTP status.", "status", minimum=100, maximum=599),
    Column("bytes", "int64", "access_log: size of the answer; null is not 0: the log says `-`.", "size", minimum=0, unit="bytes"),
)

CONTRACT = Contract(
    name="clickstream",
    title="Clickstream",
    description="One row per page view, click or request: events of a web shop, clicks on news articles, lines of a web server's access log.",
    grain="day",
    record=RECORD,
    columns=COLUMNS,
    key=("event_time", "event_id", "feed"),
    id_columns=("event_id", "feed"),
    event_time="event_time",
    times=(RecordTime(EVENT_TIME), RecordTime(CLICK_TIME, "epoch_ms"), RecordTime(LOG_TIME, LOG_TIME_FORMAT)),
    version=1,
    transform_version=1,
    owners=("team:web-analytics",),
    numbered_repeats=True,
    libraries=("ua-parser", RULES),
    allowed_lateness=None,  # a late event is taken in whenever it comes
    freshness=dt.timedelta(hours=36),
    history=dt.timedelta(days=7305),  # logs of web servers and recorded clicks are kept and read long after
    drift=DriftPolicy(unknown_fields_error_share=1.0, quarantined_error_share=0.05),  # new fields are told of, and are no error
    tags=(("domain", "web"), ("pii", "tokenised")),
)
