-- A session reached a step when it has an event of it and of every step before it, in whatever order.
with sessions as (
    select
        mart_date,
        feed,
        count(*) as visits,
        count(*) filter (page_views > 0) as views,
        count(*) filter (page_views > 0 and add_to_carts > 0) as carts,
        count(*) filter (page_views > 0 and add_to_carts > 0 and checkouts > 0) as checkouts,
        count(*) filter (page_views > 0 and add_to_carts > 0 and checkouts > 0 and purchases > 0) as purchases
    from {{ ref('clickstream_sessions') }}
    where {{ in_mart_dates() }}
    group by mart_date, feed
),
steps as (
    select mart_date, feed, visits, 1 as step_number, 'visit' as step, visits as sessions, visits as before from sessions
    union all
    select mart_date, feed, visits, 2, 'page_view', views, visits from sessions
    union all
    select mart_date, feed, visits, 3, 'add_to_cart', carts, views from sessions
    union all
    select mart_date, feed, visits, 4, 'checkout', checkouts, carts from sessions
    union all
    select mart_date, feed, visits, 5, 'purchase', purchases, checkouts from sessions
)
select mart_date, feed, step_number, step, sessions, sessions / visits as share_of_visits, sessions / nullif(before, 0) as share_of_step_before
from steps
