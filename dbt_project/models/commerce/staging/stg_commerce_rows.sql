{{ config(materialized='view', schema='staging', contract={'enforced': false}, persist_docs={'relation': false, 'columns': false}) }}
-- The rows of the clean table, with what every mart asks for. Times are UTC without a zone, so that no reader's session can move them.
select
    event_date as mart_date,
    cast(event_time as timestamp) as event_at,
    date_trunc('hour', cast(event_time as timestamp)) as hour_start,
    tenant,
    feed,
    event_id,
    line_index,
    repeat,
    event_type,
    order_id,
    cancels_order_id,
    stock_code,
    description,
    quantity,
    unit_price,
    amount,
    currency,
    customer_id,
    session_id,
    _part as part,
    _fetch_id as fetch_id
from {{ source('commerce', 'clean') }}
