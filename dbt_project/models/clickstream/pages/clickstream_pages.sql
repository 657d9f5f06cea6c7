select
    mart_date,
    feed,
    page,
    count(*) as events,
    count(*) filter (event_type = 'page_view') as page_views,
    count(*) filter (event_type = 'click') as clicks,
    count(distinct user_id) as users,
    count(*) as _source_rows
from {{ ref('stg_clickstream_events') }}
where {{ in_mart_dates() }} and page is not null
group by all
