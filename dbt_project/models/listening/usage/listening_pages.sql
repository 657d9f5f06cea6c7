select mart_date, page, level, status, count(*) as events, count(distinct user_id) as users, count(distinct session_id) as sessions
from {{ ref('stg_listening_events') }}
where {{ in_mart_dates() }}
group by mart_date, page, level, status
