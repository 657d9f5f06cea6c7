-- An application is asked for from the first instant that it was ever read.
with spans as (
    select application, cast(start as timestamp) as span_start, cast("end" as timestamp) as span_end from {{ source('workspace_audit', 'coverage') }}
),
hours as (
    select application, unnest(generate_series(
        date_trunc('hour', min(span_start)), cast({{ as_of(ref('audit_hourly_activity')) }} as timestamp) + interval 23 hours, interval 1 hour
    )) as hour_start, min(span_start) as read_from
    from spans
    group by application
),
covered as (
    select
        h.application,
        h.hour_start,
        60 - greatest(date_diff('second', h.hour_start, any_value(h.read_from)), 0) / 60 as wanted_minutes,
        -- greatest and least pass over nulls: an hour that no stretch touches would count as read.
        coalesce(
            sum(date_diff('second', greatest(s.span_start, h.hour_start), least(s.span_end, h.hour_start + interval 1 hour)))
                filter (s.span_start is not null),
            0
        ) / 60 as covered_minutes
    from hours as h
    left join spans as s on s.application = h.application and s.span_start < h.hour_start + interval 1 hour and s.span_end > h.hour_start
    group by h.application, h.hour_start
),
events as (
    select application, hour_start, cast(sum(events) as bigint) as events from {{ ref('audit_hourly_activity') }} where {{ until_as_of() }} group by all
)
select
    cast(c.hour_start as date) as mart_date,
    c.hour_start,
    c.application,
    cast(c.covered_minutes as double) as covered_minutes,
    cast(c.wanted_minutes - c.covered_minutes as double) as missing_minutes,
    coalesce(e.events, 0) as events
from covered as c
left join events as e on e.application = c.application and e.hour_start = c.hour_start
where c.covered_minutes < c.wanted_minutes
