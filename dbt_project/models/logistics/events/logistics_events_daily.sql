select
    mart_date,
    feed,
    event_type,
    record_version,
    count(*) as events,
    count(distinct shipment_id) as shipments,
    count(*) filter (cast(event_at as date) <> mart_date) as of_other_days,
    count(*) filter (lateness_ms > 3600000) as later_than_an_hour,
    max(lateness_ms) / 1000.0 as most_late_seconds,
    count(*) as _source_rows
from {{ ref('stg_logistics_events') }}
where {{ in_mart_dates() }}
group by mart_date, feed, event_type, record_version
