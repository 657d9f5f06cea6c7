with buckets as (
    select day as mart_date, seconds as within_seconds, cast(sum("rows") as bigint) as events
    from {{ source('workspace_audit', 'lateness') }}
    where {{ in_mart_dates('day') }}
    group by day, seconds
    having sum("rows") > 0
)
select
    mart_date,
    within_seconds,
    events,
    sum(events) over (partition by mart_date order by within_seconds) / sum(events) over (partition by mart_date) as share_so_far
from buckets
