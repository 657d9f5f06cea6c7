{# SQL: seconds as they add up in whatever order they come: sums of decimals are exact, sums of doubles are not. #}
{% macro sum_seconds(column) -%}
    cast(coalesce(sum(cast({{ column }} as decimal(28, 9))), 0) as double)
{%- endmacro %}

{# SQL: the measures of plays and page events. #}
{% macro listening_measures() -%}
    count(*) as events,
    count(*) filter (is_play) as plays,
    {{ sum_seconds('case when is_play then length end') }} as seconds,
    count(distinct user_id) as users
{%- endmacro %}

{# SQL: events by user, by song (with its artist), by artist, by level and by location: each event once in each. `keys`: columns that all have. #}
{% macro listening_by_dimension(keys, measures) -%}
select
    {{ keys | join(', ') }},
    case
        when grouping(user_id) = 0 then 'user'
        when grouping(song) = 0 then 'song'
        when grouping(artist) = 0 then 'artist'
        when grouping(level) = 0 then 'level'
        else 'location'
    end as dimension,
    coalesce(user_id, song, case when grouping(song) = 1 then artist end, level, location) as value,
    case when grouping(song) = 0 then artist end as artist,
    {{ measures }}
from {{ ref('stg_listening_events') }}
where {{ in_mart_dates() }}
group by grouping sets (
    {%- for dimension in ['user_id', 'song, artist', 'artist', 'level', 'location'] %}
    ({{ keys | join(', ') }}, {{ dimension }}){{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}

{# SQL: what was played most in a month. `dimension`: of listening_daily; `names`: its columns, as they are called here -> there. #}
{% macro listening_top(dimension, names) -%}
with totals as (
    select
        cast(date_trunc('month', mart_date) as date) as mart_date,
        {% for ours, theirs in names.items() %}{{ theirs }} as {{ ours }}, {% endfor %}
        cast(sum(events) as bigint) as events,
        cast(sum(plays) as bigint) as plays,
        {{ sum_seconds('seconds') }} as seconds,
        count(*) filter (plays > 0) as days_played,
        len(list_distinct(flatten(list(_user_ids)))) as users
    from {{ ref('listening_daily') }}
    where dimension = '{{ dimension }}' and value is not null and {{ in_mart_dates("cast(date_trunc('month', mart_date) as date)") }}
    group by all
    having sum(plays) > 0
),
ranked as (
    select
        *,
        row_number() over (partition by mart_date order by plays desc, {{ names | join(', ') }}) as rank_by_plays,
        row_number() over (partition by mart_date order by seconds desc, {{ names | join(', ') }}) as rank_by_seconds
    from totals
)
select * from ranked where least(rank_by_plays, rank_by_seconds) <= {{ var('top') }}
{%- endmacro %}
