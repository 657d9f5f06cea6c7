with shipments as (
    select
        feed,
        min(mart_date) as first_on,
        max(mart_date) as last_on,
        cast(sum(shipments) as bigint) as shipments,
        cast(sum(events) as bigint) as status_events,
        cast(sum(delivered) as bigint) as delivered,
        cast(sum(judged) as bigint) as judged,
        cast(sum(late_by_timestamp) as bigint) as late_by_timestamp,
        cast(sum(late_by_day) as bigint) as late_by_day,
        cast(sum(seconds_to_deliver) as bigint) as seconds_to_deliver,
        cast(sum(with_exceptions) as bigint) as with_exceptions,
        cast(sum(with_steps_out_of_order) as bigint) as with_steps_out_of_order
    from {{ ref('logistics_shipments_daily') }}
    group by feed
),
events as (
    select feed, cast(sum(events) as bigint) as events
    from {{ ref('logistics_events_daily') }}
    group by feed
),
files as (
    select feed, cast(sum(lines) as bigint) as lines, cast(sum(duplicates) as bigint) as duplicates, cast(sum(held) as bigint) as held
    from {{ ref('logistics_files') }}
    group by feed
)
select
    e.feed,
    s.first_on,
    s.last_on,
    {{ as_of(ref('logistics_events_daily')) }} as complete_through,
    coalesce(f.lines, 0) as lines,
    coalesce(f.duplicates, 0) as duplicates,
    coalesce(f.held, 0) as held,
    e.events,
    s.shipments,
    s.status_events,
    s.delivered,
    s.late_by_timestamp,
    s.late_by_day,
    1 - s.late_by_timestamp / nullif(s.judged, 0) as on_time_rate_by_timestamp,
    1 - s.late_by_day / nullif(s.judged, 0) as on_time_rate_by_day,
    s.seconds_to_deliver / 86400 / nullif(s.delivered, 0) as mean_days_to_deliver,
    s.with_exceptions,
    s.with_steps_out_of_order
from events as e
left join shipments as s on s.feed = e.feed
left join files as f on f.feed = e.feed
