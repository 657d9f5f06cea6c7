select mart_date, browser, os, device, count(*) as events, count(*) filter (is_play) as plays, count(distinct user_id) as users
from {{ ref('stg_listening_events') }}
where {{ in_mart_dates() }}
group by mart_date, browser, os, device
