with days as (
    select
        mart_date,
        includes_collector,
        coalesce(application, 'all') as application,
        cast(sum(events) as bigint) as events,
        {{ sum_call_measures() }},
        count(distinct actor) as active_users
    from {{ with_and_without_collector(ref('audit_user_hours'), in_mart_dates(before=7)) }}
    group by grouping sets ((mart_date, includes_collector, application), (mart_date, includes_collector))
),
compared as (
    select
        *,
        cast(avg(events) over seven_days as double) as events_7d_average,
        max(events) over week_before as events_week_before
    from days
    window
        seven_days as (
            partition by includes_collector, application order by mart_date range between interval 6 days preceding and current row
        ),
        week_before as (
            partition by includes_collector, application order by mart_date
            range between interval 7 days preceding and interval 7 days preceding
        )
)
select
    mart_date, includes_collector, application, events, calls, bytes, calls_with_bytes, active_users, events_7d_average, events_week_before,
    cast(events as double) / events_week_before - 1 as change_from_week_before
from compared
where {{ in_mart_dates() }}
