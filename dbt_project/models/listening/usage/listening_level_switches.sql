with followed as (
    select
        *,
        lag(level) over (partition by user_id order by mart_date, run) as level_before,
        lag(last_event_at) over (partition by user_id order by mart_date, run) as seen_before_at
    from {{ ref('listening_level_runs') }}
    where {{ until_as_of() }}
)
select mart_date, user_id, first_event_at as switched_at, level_before, level as level_after, seen_before_at, first_page as page
from followed
where level_before <> level
