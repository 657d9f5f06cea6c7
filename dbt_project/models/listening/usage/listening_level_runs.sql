with ordered as (
    select
        *,
        lag(level) over (partition by mart_date, user_id order by event_at, session_id, item_in_session) is distinct from level as begins
    from {{ ref('stg_listening_events') }}
    where user_id is not null and {{ in_mart_dates() }}
),
numbered as (
    select
        *,
        count(*) filter (begins) over (
            partition by mart_date, user_id order by event_at, session_id, item_in_session rows between unbounded preceding and current row
        ) as run
    from ordered
)
select
    mart_date,
    user_id,
    run,
    any_value(level) as level,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    arg_min(page, (event_at, session_id, item_in_session)) as first_page,
    count(*) as events
from numbered
group by mart_date, user_id, run
