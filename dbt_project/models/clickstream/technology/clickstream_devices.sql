select
    mart_date,
    feed,
    device_type,
    browser,
    os,
    count(*) as events,
    count(distinct user_id) as users,
    count(distinct (user_id, session_id)) filter (session_id is not null) as sessions,
    count(*) as _source_rows
from {{ ref('stg_clickstream_events') }}
where {{ in_mart_dates() }}
group by all
