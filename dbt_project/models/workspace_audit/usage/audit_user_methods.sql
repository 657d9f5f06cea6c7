select
    mart_date,
    actor,
    api_name,
    method_name,
    is_collector,
    {{ call_measures() }},
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and is_call
group by all
