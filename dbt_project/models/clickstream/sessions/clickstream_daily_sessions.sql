select
    mart_date,
    feed,
    count(*) as sessions,
    count(distinct user_id) as users,
    cast(sum(events) as bigint) as events,
    count(*) filter (days > 1) as sessions_over_midnight,
    count(*) filter (events = 1) / count(*) as bounce_share,
    avg(duration_seconds) as average_seconds,
    median(duration_seconds) as median_seconds
from {{ ref('clickstream_sessions') }}
where {{ in_mart_dates() }}
group by mart_date, feed
