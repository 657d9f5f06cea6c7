select mart_date, feed, count(*) as active_users, cast(sum(events) as bigint) as events, cast(sum(sessions) as bigint) as session_days
from {{ ref('clickstream_user_days') }}
where {{ in_mart_dates() }}
group by mart_date, feed
