{{ config(materialized='view', schema='staging', contract={'enforced': false}, persist_docs={'relation': false, 'columns': false}) }}
-- One row per event of the clean table, with what every mart asks for. Times are UTC without a zone, so that no reader's session can move them.
select
    event_date as mart_date,
    cast(event_time as timestamp) as event_at,
    date_trunc('hour', cast(event_time as timestamp)) as hour_start,
    user_id,
    session_id,
    item_in_session,
    page,
    level,
    song,
    artist,
    length,
    location,
    status,
    browser,
    os,
    device,
    quality,
    page = 'NextSong' as is_play
from {{ source('listening', 'clean') }}
