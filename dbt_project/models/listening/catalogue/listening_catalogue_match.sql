with played as (
    select
        value as song,
        artist,
        cast(sum(plays) as bigint) as plays,
        {{ sum_seconds('seconds') }} as seconds,
        min(mart_date) as first_played_on,
        max(mart_date) as last_played_on
    from {{ ref('listening_daily') }}
    where dimension = 'song' and value is not null and plays > 0 and {{ until_as_of() }}
    group by all
)
select
    coalesce(p.song, s.title) as song,
    coalesce(p.artist, s.artist_name) as artist,
    s.song_id,
    case when s.song_id is null then 'played_only' when p.song is null then 'catalogue_only' else 'matched' end as match,
    coalesce(p.plays, 0) as plays,
    coalesce(p.seconds, 0) as seconds,
    s.duration as catalogue_seconds,
    nullif(s.year, 0) as year,
    s.artist_location,
    p.first_played_on,
    p.last_played_on
from played as p
full join {{ source('listening', 'songs') }} as s on s.title = p.song and s.artist_name = p.artist
