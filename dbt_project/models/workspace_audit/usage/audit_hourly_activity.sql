select
    mart_date,
    hour_start,
    application,
    event_name,
    is_collector,
    count(*) as events,
    {{ call_measures() }},
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }}
group by all
