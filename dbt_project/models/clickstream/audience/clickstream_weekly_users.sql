with days as (
    select cast(date_trunc('week', mart_date) as date) as period_start, feed, user_id, events
    from {{ ref('clickstream_user_days') }}
    where {{ in_mart_dates("cast(date_trunc('week', mart_date) as date)") }}
)
select
    period_start as mart_date,
    feed,
    count(distinct user_id) as active_users,
    cast(sum(events) as bigint) as events,
    count(*) / count(distinct user_id) as days_per_user
from days
group by period_start, feed
