with actions as (
    select
        event_type,
        event_name,
        setting_name,
        role_name,
        cast(sum(events) as bigint) as events,
        count(distinct actor) as actors,
        count(distinct mart_date) as active_days,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at
    from {{ ref('audit_admin_actions') }}
    where {{ until_as_of() }}
    group by all
)
select
    cast(row_number() over (order by events, last_event_at desc, event_name, event_type, setting_name, role_name) as integer) as rarity_rank,
    event_type, event_name, setting_name, role_name, events, events / sum(events) over () as share, actors, active_days, first_event_at, last_event_at
from actions
