-- A session begins before its user has logged in, so it has events of nobody; nobody else's are in it.
select
    session_id,
    max(user_id) as user_id,
    count(distinct user_id) as users,
    min(first_event_at) as started_at,
    max(last_event_at) as ended_at,
    date_diff('second', min(first_event_at), max(last_event_at)) as duration_seconds,
    cast(sum(events) as bigint) as events,
    cast(sum(plays) as bigint) as plays,
    {{ sum_seconds('seconds') }} as seconds,
    count(distinct level) as levels,
    count(distinct mart_date) as days
from {{ ref('listening_session_days') }}
where {{ until_as_of() }}
group by session_id
