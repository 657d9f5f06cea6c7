with notes as (
    select *, unnest(quality) as note from {{ ref('stg_listening_events') }} where {{ in_mart_dates() }}
)
select
    mart_date,
    split_part(note, ':', 2) as field,
    case split_part(note, ':', 2) when 'song' then song when 'artist' then artist else location end as text,
    count(*) as events,
    count(*) filter (is_play) as plays
from notes
where starts_with(note, 'double_encoded:')
group by all
