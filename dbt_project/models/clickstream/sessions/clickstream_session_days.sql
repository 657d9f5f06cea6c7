-- What a session did on one day. The first event tells of device and entry; of events at one instant the smaller id is the first.
with days as (
    select
        mart_date,
        feed,
        user_id,
        session_id,
        count(*) as events,
        count(*) filter (event_type = 'page_view') as page_views,
        count(*) filter (event_type = 'click') as clicks,
        count(*) filter (event_type = 'add_to_cart') as add_to_carts,
        count(*) filter (event_type = 'checkout') as checkouts,
        count(*) filter (event_type = 'purchase') as purchases,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at,
        arg_min({'page': page, 'device_type': device_type, 'browser': browser, 'os': os}, {'at': event_at, 'id': event_id}) as entry,
        arg_max({'page': page}, {'at': event_at, 'id': event_id}) as exit
    from {{ ref('stg_clickstream_events') }}
    where {{ in_mart_dates() }} and session_id is not null
    group by all
)
select
    mart_date, feed, user_id, session_id, events, page_views, clicks, add_to_carts, checkouts, purchases, first_event_at, last_event_at,
    entry.page as entry_page, exit.page as exit_page, entry.device_type as device_type, entry.browser as browser, entry.os as os,
    events as _source_rows
from days
