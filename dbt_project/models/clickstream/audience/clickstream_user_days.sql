select mart_date, feed, user_id, cast(sum(events) as bigint) as events, count(*) as sessions
from {{ ref('clickstream_session_days') }}
where {{ in_mart_dates() }}
group by mart_date, feed, user_id
