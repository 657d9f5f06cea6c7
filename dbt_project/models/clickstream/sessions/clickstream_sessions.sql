-- A session begins on a day before which its id was not seen for 31 days, and goes on for the 31 days after it: so midnight cuts none. An id that has not
-- rested when they are over is a session of each later day until it has. So a session depends on the 62 days before it and on the 31 after it.
with days as (
    select *, lag(mart_date) over (partition by feed, user_id, session_id order by mart_date) as seen_before
    from {{ ref('clickstream_session_days') }}
    where {{ in_mart_dates(before=62, after=31) }}
),
seen as (
    select
        * exclude (seen_before),
        coalesce(
            max(case when coalesce(mart_date - seen_before > 31, true) then mart_date end) over (
                partition by feed, user_id, session_id order by mart_date range between interval 31 days preceding and current row
            ),
            mart_date
        ) as began_on
    from days
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
