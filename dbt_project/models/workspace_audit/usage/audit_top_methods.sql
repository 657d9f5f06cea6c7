with totals as (
    select
        mart_date,
        includes_collector,
        api_name,
        method_name,
        {{ sum_call_measures() }},
        max(max_bytes) as max_bytes
    from {{ with_and_without_collector(ref('audit_method_calls'), in_mart_dates()) }}
    group by all
),
ranked as (
    select
        *,
        {{ place_by('calls', 'mart_date, includes_collector', 'api_name, method_name') }} as rank_by_calls,
        {{ place_by('bytes', 'mart_date, includes_collector', 'api_name, method_name') }} as rank_by_bytes
    from totals
)
select mart_date, includes_collector, api_name, method_name, calls, bytes, calls_with_bytes, max_bytes, rank_by_calls, rank_by_bytes
from ranked
where least(rank_by_calls, rank_by_bytes) <= {{ var('top') }}
