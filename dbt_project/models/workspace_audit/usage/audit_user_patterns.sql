with hours as (
    select mart_date, includes_collector, actor, hour_start, cast(sum(events) as bigint) as events
    from {{ with_and_without_collector(ref('audit_user_hours'), in_mart_dates() ~ ' and actor is not null') }}
    group by all
)
select
    mart_date,
    includes_collector,
    actor,
    cast(sum(events) as bigint) as events,
    count(*) as active_hours,
    min(hour_start) as first_hour_start,
    max(hour_start) as last_hour_start,
    first(hour_start order by events desc, hour_start) as busiest_hour_start,
    max(events) as busiest_hour_events,
    max(events) / sum(events) as busiest_hour_share,
    list_transform(
        range(24), lambda hour_of_day: coalesce(map_from_entries(list((hour(hour_start), events)))[hour_of_day], 0)
    ) as events_by_hour
from hours
group by mart_date, includes_collector, actor
