with totals as (
    select
        mart_date,
        includes_collector,
        api_name,
        count(distinct method_name) as methods,
        {{ sum_call_measures() }}
    from {{ with_and_without_collector(ref('audit_method_calls'), in_mart_dates()) }}
    group by all
)
select
    mart_date,
    includes_collector,
    api_name,
    methods,
    calls,
    bytes,
    calls_with_bytes,
    {{ place_by('calls', 'mart_date, includes_collector', 'api_name') }} as rank_by_calls,
    {{ place_by('bytes', 'mart_date, includes_collector', 'api_name') }} as rank_by_bytes
from totals
