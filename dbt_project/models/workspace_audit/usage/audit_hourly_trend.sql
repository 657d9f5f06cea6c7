select
    mart_date,
    hour_start,
    includes_collector,
    coalesce(application, 'all') as application,
    cast(sum(events) as bigint) as events,
    {{ sum_call_measures() }},
    count(distinct actor) as active_users
from {{ with_and_without_collector(ref('audit_user_hours'), in_mart_dates()) }}
group by grouping sets ((mart_date, hour_start, includes_collector, application), (mart_date, hour_start, includes_collector))
