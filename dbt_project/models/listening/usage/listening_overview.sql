{% set month = "cast(date_trunc('month', mart_date) as date)" -%}
with sessions as (
    select
        {{ month }} as mart_date,
        count(distinct mart_date) as days,
        cast(sum(events) as bigint) as events,
        cast(sum(plays) as bigint) as plays,
        cast(coalesce(sum(plays) filter (level = 'paid'), 0) as bigint) as paid_plays,
        {{ sum_seconds('seconds') }} as seconds,
        count(distinct user_id) as users,
        count(distinct user_id) filter (plays > 0) as users_with_plays,
        count(distinct session_id) as sessions,
        cast(coalesce(sum(events) filter (user_id is null), 0) as bigint) as logged_out_events,
        cast(sum(double_encoded) as bigint) as double_encoded_events,
        cast(sum(odd_events) as bigint) as odd_events
    from {{ ref('listening_session_days') }}
    where {{ in_mart_dates(month) }}
    group by 1
),
songs as (
    select {{ month }} as mart_date, count(distinct (value, artist)) as song_artist_pairs
    from {{ ref('listening_daily') }}
    where dimension = 'song' and plays > 0 and value is not null and {{ in_mart_dates(month) }}
    group by 1
),
runs as (
    select
        {{ month }} as mart_date,
        user_id,
        level,
        lag(level) over (partition by {{ month }}, user_id order by mart_date, run) as level_before
    from {{ ref('listening_level_runs') }}
    where {{ in_mart_dates(month) }}
),
levels as (
    select mart_date, count(*) filter (levels > 1) as users_two_levels, cast(sum(switches) as bigint) as level_switches
    from (
        select mart_date, user_id, count(distinct level) as levels, count(*) filter (level_before <> level) as switches
        from runs
        group by mart_date, user_id
    )
    group by mart_date
),
files as (
    select {{ month }} as mart_date, count(distinct fetch_id) as files
    from {{ ref('listening_quality_files') }}
    where {{ in_mart_dates(month) }}
    group by 1
)
select
    s.mart_date,
    s.days,
    coalesce(f.files, 0) as files,
    s.events,
    s.plays,
    s.paid_plays,
    s.seconds,
    s.users,
    s.users_with_plays,
    coalesce(l.users_two_levels, 0) as users_two_levels,
    coalesce(l.level_switches, 0) as level_switches,
    s.sessions,
    coalesce(p.song_artist_pairs, 0) as song_artist_pairs,
    s.logged_out_events,
    s.double_encoded_events,
    s.odd_events
from sessions as s
left join songs as p on p.mart_date = s.mart_date
left join levels as l on l.mart_date = s.mart_date
left join files as f on f.mart_date = s.mart_date
