with sightings as (
    select
        actor,
        kind,
        seen_value,
        min(mart_date) as first_seen_on,
        max(mart_date) as last_seen_on,
        min(first_event_at) as first_seen_at,
        max(last_event_at) as last_seen_at,
        count(*) as days_seen,
        cast(sum(events) as bigint) as events
    from {{ ref('audit_user_sightings') }}
    where {{ until_as_of() }}
    group by all
),
compared as (
    select
        *,
        min(first_seen_at) over (partition by actor, kind) as kind_first_seen_at,
        row_number() over (partition by kind, seen_value order by first_seen_at, actor) - 1 as users_before,
        row_number() over (partition by actor, kind order by first_seen_at, seen_value) - 1 as values_before
    from sightings
)
select
    actor, kind, seen_value, first_seen_on, last_seen_on, first_seen_at, last_seen_at, days_seen, events,
    date_diff('day', cast(kind_first_seen_at as date), first_seen_on) as days_known_before,
    cast(values_before as integer) as values_before,
    cast(users_before as integer) as users_before,
    date_diff('day', cast(kind_first_seen_at as date), first_seen_on) > 0 as is_new_for_known_user
from compared
