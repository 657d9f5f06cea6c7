-- A session belongs to the first day on which it was seen, looking back 31 days: so midnight cuts none, and a changed day reaches 31 days each way.
with seen as (
    select
        *,
        min(mart_date) over (
            partition by feed, user_id, session_id order by mart_date range between interval 31 days preceding and current row
        ) as began_on
    from {{ ref('clickstream_session_days') }}
    where {{ in_mart_dates(before=31, after=31) }}
)
select
    began_on as mart_date,
    feed,
    user_id,
    session_id,
    count(*) as days,
    cast(sum(events) as bigint) as events,
    cast(sum(page_views) as bigint) as page_views,
    cast(sum(clicks) as bigint) as clicks,
    cast(sum(add_to_carts) as bigint) as add_to_carts,
    cast(sum(checkouts) as bigint) as checkouts,
    cast(sum(purchases) as bigint) as purchases,
    min(first_event_at) as started_at,
    max(last_event_at) as ended_at,
    date_diff('millisecond', min(first_event_at), max(last_event_at)) / 1000.0 as duration_seconds,
    arg_min({'page': entry_page}, mart_date).page as entry_page,
    arg_max({'page': exit_page}, mart_date).page as exit_page,
    arg_min({'value': device_type}, mart_date).value as device_type,
    arg_min({'value': browser}, mart_date).value as browser,
    arg_min({'value': os}, mart_date).value as os
from seen
where {{ in_mart_dates('began_on') }}
group by began_on, feed, user_id, session_id
