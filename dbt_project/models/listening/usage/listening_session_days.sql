select
    mart_date,
    session_id,
    user_id,
    level,
    count(*) as events,
    count(*) filter (is_play) as plays,
    {{ sum_seconds('case when is_play then length end') }} as seconds,
    count(*) filter (list_bool_or(list_transform(quality, lambda q: starts_with(q, 'double_encoded:')))) as double_encoded,
    count(*) filter (len(quality) > 0) as odd_events,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as _source_rows
from {{ ref('stg_listening_events') }}
where {{ in_mart_dates() }}
group by mart_date, session_id, user_id, level
