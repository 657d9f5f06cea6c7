select
    mart_date,
    feed,
    cast(floor(days_after_start) as integer) as days_late,
    count(*) as events,
    count(distinct (user_id, session_id)) as sessions,
    count(*) as _source_rows
from {{ ref('stg_clickstream_events') }}
where {{ in_mart_dates() }} and days_after_start > 1
group by all
