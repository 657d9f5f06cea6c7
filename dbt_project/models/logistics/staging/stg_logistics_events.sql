-- One row per event of the clean table, with what every mart asks for. Times are UTC without a zone, so that no reader's session can move them.
select
    event_date as mart_date,
    cast(event_time as timestamp) as event_at,
    cast(ingest_time as timestamp) as ingested_at,
    epoch_ms(ingest_time) - epoch_ms(event_time) as lateness_ms,
    cast(promised_at as timestamp) as promised_at,
    * exclude (event_date, event_time, producer_time, ingest_time, promised_at, estimated_at, _extra)
from {{ source('logistics', 'clean') }}
