"""The contract of `commerce`: two feeds, one clean table, a tenant in every row.

`retail`: CSV exports of invoice lines without an event id; the tenant is the country, times are UTC and money is sterling by contract.
`events`: JSON Lines of merchants' shops, in schema version 1 or 2 (`upgrades` says what changed).
"""

from __future__ import annotations

import datetime as dt

from lakehouse.contracts.model import (
    Column,
    Contract,
    DecimalType,
    JsonBool,
    JsonField,
    JsonFloat,
    JsonInt,
    JsonList,
    JsonObject,
    JsonText,
    ListType,
    RecordTime,
)
from lakehouse.contracts.policies import DriftPolicy

MONEY = DecimalType(18, 3)  # prices have up to three decimals
AMOUNT = DecimalType(28, 3)  # a price times a quantity of up to ten digits
MOST = 1_000_000_000  # of a quantity: beyond it is damage, and an amount stays exact up to it
RETAIL_TIME = "%Y-%m-%d %H:%M:%S"

# Money in JSON is text; a number is taken as the text that it is written in, so that no float is made of it.
_PRICE = JsonText(numbers=True)
_PERSON = JsonObject((JsonField("id"), JsonField("email")))
_ITEM = JsonObject((JsonField("product_id"), JsonField("name"), JsonField("qty", JsonInt()), JsonField("price", _PRICE)))
_LINE = JsonObject((JsonField("sku"), JsonField("name"), JsonField("quantity", JsonInt()), JsonField("unit_price", _PRICE)))
_SCORES = JsonObject((JsonField("fraud", JsonFloat()), JsonField("churn", JsonFloat()), JsonField("propensity", JsonFloat())))

RETAIL_FIELDS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")

RECORD = JsonObject(
    (
        # retail: the columns of the CSV, all text
        *(JsonField(name) for name in RETAIL_FIELDS),
        # events, both versions
        JsonField("schema_version", JsonInt()),
        JsonField("event_id"),
        JsonField("event_type"),
        JsonField("session_id"),
        JsonField("page_url"),
        JsonField(
            "order",
            JsonObject(
                (
                    JsonField("order_id"),
                    JsonField("currency"),
                    JsonField("reason"),
                    JsonField("items", JsonList(_ITEM)),  # 1
                    JsonField("lines", JsonList(_LINE)),  # 2
                )
            ),
        ),
        JsonField("processing_flags", JsonList(JsonText()), on_conflict="extra"),
        JsonField("gdpr", JsonObject((JsonField("region"), JsonField("consent", JsonBool()))), on_conflict="extra"),
        JsonField("lineage", JsonObject((JsonField("producer"), JsonField("trace_id"))), on_conflict="extra"),
        # events, schema version 1
        JsonField("timestamp"),
        JsonField("merchant_id"),
        JsonField("user", _PERSON),
        JsonField("item", _ITEM),
        JsonField("model_scores", _SCORES, on_conflict="extra"),
        # events, schema version 2
        JsonField("event_time"),
        JsonField("tenant_id"),
        JsonField("customer", _PERSON),
        JsonField("product", _LINE),
        JsonField("ml_context", JsonObject((JsonField("model_scores", _SCORES),)), on_conflict="extra"),
    )
)

EVENT_TYPES = (
    "page_view",
    "product_viewed",
    "cart_item_added",
    "cart_item_removed",
    "checkout_started",
    "order_placed",
    "order_cancelled",
    "order_adjusted",
    "stock_adjusted",
)


def _score(name: str, meaning: str) -> Column:
    where = f"ml_context.model_scores.{name}; v1: model_scores.{name}"
    return Column(f"{name}_score", "float64", meaning, where, minimum=0, maximum=1)


COLUMNS = (
    Column("event_time", "timestamp", "When it happened.", "event_time; v1: timestamp; retail: InvoiceDate", nullable=False),
    Column("tenant", "string", "Whose it is: merchant, or country of the retail feed.", "tenant_id; v1: merchant_id; retail: Country", False),
    Column("feed", "string", "retail or events.", nullable=False, allowed=("retail", "events")),
    Column("event_id", "string", "Id of the event; retail: hash of the row as it stands, 32 hex digits.", "event_id", nullable=False),
    Column("line_index", "int64", "Place of the line in its order, from 0.", "order.lines[]; v1: order.items[]", nullable=False, minimum=0),
    Column("repeat", "int64", "retail: which of the identical rows of its file it is, from 1. events: 1.", nullable=False, minimum=1),
    Column("event_type", "string", "What happened.", "event_type; retail: InvoiceNo, Quantity", False, allowed=EVENT_TYPES, open_vocabulary=True),
    Column("record_version", "int64", "Schema version that the event was written in; null for retail.", "schema_version"),
    Column("order_id", "string", "Order or invoice.", "order.order_id; retail: InvoiceNo"),
    Column("cancels_order_id", "string", "Order that a cancellation names; retail invoices name none.", "order.order_id"),
    Column("reason", "string", "Why an order was cancelled.", "order.reason"),
    Column("line_count", "int64", "Lines of the order that the event tells of.", "order.lines[]; v1: order.items[]", minimum=0),
    Column("stock_code", "string", "Product.", "order.lines[].sku, product.sku; v1: product_id; retail: StockCode"),
    Column("description", "string", "Name of the product.", "order.lines[].name, product.name; retail: Description"),
    Column(
        "quantity",
        "int64",
        "Pieces; below 0 what is cancelled or written off.",
        "order.lines[].quantity, product.quantity; v1: qty; retail: Quantity",
        minimum=-MOST,
        maximum=MOST,
    ),
    Column(
        "unit_price", MONEY, "Price of a piece, exactly as written.", "order.lines[].unit_price, product.unit_price; v1: price; retail: UnitPrice"
    ),
    Column("amount", AMOUNT, "quantity x unit_price, exactly, of lines of orders and invoices; null for the rest."),
    Column("currency", "string", "Currency of the prices; retail: GBP by contract.", "order.currency"),
    Column("customer_id", "string", "Customer, in 25% of retail missing.", "customer.id; v1: user.id; retail: CustomerID", pii="identity"),
    Column("customer_email", "string", "E-mail address of the customer, as a keyed token.", "customer.email; v1: user.email", pii="email"),
    Column("session_id", "string", "Visit.", "session_id"),
    Column("page_url", "string", "Page.", "page_url"),
    _score("fraud", "How likely the model holds fraud, 0 to 1."),
    _score("churn", "How likely the model holds it that the customer leaves, 0 to 1."),
    _score("propensity", "How likely the model holds a purchase, 0 to 1."),
    Column("processing_flags", ListType("string"), "What the producer's pipeline noted.", "processing_flags"),
    Column("pii_contains", "bool", "Whether the producer noted personal data; null where it notes nothing.", "processing_flags"),
    Column("gdpr_region", "string", "Region whose law applies.", "gdpr.region"),
    Column("gdpr_consent", "bool", "Whether the customer consented to tracking.", "gdpr.consent"),
    Column("producer", "string", "Program that wrote the event.", "lineage.producer"),
    Column("trace_id", "string", "Trace of the request that made it.", "lineage.trace_id"),
)

CONTRACT = Contract(
    name="commerce",
    title="E-commerce of many tenants",
    description="One row per line of an order, invoice or cancellation, and per visit event of a shop; a tenant in every row.",
    grain="day",
    record=RECORD,
    columns=COLUMNS,
    key=("event_time", "tenant", "event_id", "line_index", "repeat"),
    id_columns=("tenant", "event_id"),
    event_time="event_time",
    times=(RecordTime("event_time"), RecordTime("timestamp"), RecordTime("InvoiceDate", RETAIL_TIME)),
    version=1,
    transform_version=1,
    version_column="record_version",
    numbered_repeats=True,
    owners=("team:commerce-data",),
    allowed_lateness=None,  # a late event is taken in whenever it comes
    freshness=dt.timedelta(hours=26),
    history=dt.timedelta(days=7305),  # exports of invoices reach back to 2010
    drift=DriftPolicy(unknown_fields_error_share=1.0, quarantined_error_share=0.05),  # new fields are told of, and are no error
    tags=(("domain", "commerce"), ("pii", "tokenised"), ("tenancy", "rows")),
)
