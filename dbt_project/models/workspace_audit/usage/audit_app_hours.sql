select
    mart_date,
    hour_start,
    client_id,
    is_collector,
    count(*) as events,
    {{ call_measures() }},
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and client_id is not null
group by all
