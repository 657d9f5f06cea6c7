-- A burst belongs to the day on which it began, so the day before and the day after are looked at too.
with logins as (
    select
        *,
        coalesce(
            first_event_at - lag(last_event_at) over (partition by actor order by minute_start) > interval {{ burst_gap_minutes() }} minutes, true
        ) as begins
    from {{ ref('audit_login_minutes') }}
    where {{ in_mart_dates(before=1, after=1) }} and actor is not null
),
numbered as (
    select *, sum(cast(begins as integer)) over (partition by actor order by minute_start) as burst from logins
)
select
    min(mart_date) as mart_date,
    actor,
    min(first_event_at) as started_at,
    max(last_event_at) as ended_at,
    cast(sum(logins) as bigint) as logins,
    cast(sum(failures) as bigint) as failures
from numbered
group by actor, burst
having sum(logins) >= {{ burst_logins() }} and {{ in_mart_dates('min(mart_date)') }}
