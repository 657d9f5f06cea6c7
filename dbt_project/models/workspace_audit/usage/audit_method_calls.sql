select
    mart_date,
    hour_start,
    api_name,
    method_name,
    is_collector,
    {{ call_measures() }},
    max(num_response_bytes) as max_bytes,
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and is_call
group by all
