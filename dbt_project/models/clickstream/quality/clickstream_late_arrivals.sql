-- Late is told by the order of the manifests and not by a clock: the same files in the same order are as late in every lake and after every rebuild.
with arrivals as (
    select
        e.mart_date,
        e.feed,
        list_min(list_filter([3600, 21600, 86400, 259200, 604800, 2592000, 3153600000], lambda bucket: bucket >= e.seconds_to_landing)) as within_seconds,
        date_sub('second', e.event_at, cast(f.read_before as timestamp)) as seconds_behind,
        coalesce(e.event_at < cast(f.read_before as timestamp), false) as is_late
    from {{ ref('stg_clickstream_events') }} as e
    left join {{ source('clickstream', 'fetches') }} as f on f.fetch_id = e.fetch_id
    where {{ in_mart_dates('e.mart_date') }}
)
select
    mart_date,
    feed,
    cast(within_seconds as bigint) as within_seconds,
    count(*) as events,
    count(*) filter (is_late) as late,
    max(seconds_behind) filter (is_late) as most_late_seconds,
    count(*) as _source_rows
from arrivals
group by mart_date, feed, within_seconds
