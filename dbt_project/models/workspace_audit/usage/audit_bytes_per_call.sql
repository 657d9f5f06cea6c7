with calls as (
    select
        mart_date,
        client_id,
        {{ newest_name() }} as app_name,
        is_collector,
        {{ call_measures() }},
        cast(avg(num_response_bytes) as double) as bytes_per_call,
        cast(quantile_cont(num_response_bytes, 0.5) as double) as median_bytes,
        cast(quantile_cont(num_response_bytes, 0.95) as double) as p95_bytes,
        max(num_response_bytes) as max_bytes
    from {{ ref('stg_audit_events') }}
    where {{ in_mart_dates() }} and is_call
    group by mart_date, client_id, is_collector
)
select mart_date, includes_collector, client_id, app_name, calls, calls_with_bytes, bytes, bytes_per_call, median_bytes, p95_bytes, max_bytes
from {{ with_and_without_collector('calls') }}
