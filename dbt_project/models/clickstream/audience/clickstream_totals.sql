-- Distinct over all time, so by counting again: sums of days count a user once for each.
with users as (
    select feed, min(mart_date) as first_on, max(mart_date) as last_on, cast(sum(events) as bigint) as events, count(distinct user_id) as users
    from {{ ref('clickstream_user_days') }}
    group by feed
),
sessions as (
    select feed, count(*) as sessions from {{ ref('clickstream_sessions') }} group by feed
),
pages as (
    select feed, count(distinct page) as pages from {{ ref('clickstream_pages') }} group by feed
)
select
    feed,
    u.first_on,
    u.last_on,
    {{ as_of(ref('clickstream_user_days')) }} as complete_through,
    u.events,
    u.users,
    s.sessions,
    coalesce(p.pages, 0) as pages
from users as u
join sessions as s using (feed)
left join pages as p using (feed)
