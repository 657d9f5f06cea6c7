{{ config(materialized='view', schema='staging', contract={'enforced': false}, persist_docs={'relation': false, 'columns': false}) }}
-- One row per event of the clean table. Times are UTC without a zone, so that no reader's session can move them.
select
    event_date as mart_date,
    cast(event_time as timestamp) as event_at,
    event_id,
    feed,
    event_type,
    event_category,
    user_id,
    session_id,
    page,
    user_agent,
    agent_is_parsed,
    browser,
    os,
    device_type,
    host,
    method,
    status,
    bytes,
    -- More than a day after the session began, by the producer of the feed; null in feeds that do not tell when it did.
    date_diff('millisecond', session_start, event_time) / 86400000.0 as days_after_start,
    greatest(date_sub('second', event_time, _landed_at), 0) as seconds_to_landing,
    _fetch_id as fetch_id
from {{ source('clickstream', 'clean') }}
