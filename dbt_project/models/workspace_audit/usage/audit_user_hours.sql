select
    mart_date,
    hour_start,
    application,
    actor,
    is_collector,
    count(*) as events,
    {{ call_measures() }},
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }}
group by all
