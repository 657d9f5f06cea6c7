-- A cancellation names its order, or it is held against what its customer had bought of the product before: the newest line of the same quantity,
-- else the newest of a greater one. An earlier line may be found by several cancellations; `found_by` says by how many.
with cancelled as (
    select *, row_number() over (order by tenant, feed, event_at, order_id, customer_id, stock_code, description, currency, quantity, unit_price) as number
    from {{ ref('commerce_order_lines') }}
    where {{ until_as_of() }} and event_type = 'order_cancelled'
),
sold as (
    select tenant, feed, order_id, customer_id, stock_code, quantity, max(event_at) as event_at
    from {{ ref('commerce_order_lines') }}
    where {{ until_as_of() }} and event_type = 'order_placed'
        and (tenant, feed) in (select (tenant, feed) from cancelled)
    group by all
),
orders as (
    select tenant, feed, order_id, min(event_at) as event_at from sold group by all
),
same as (
    -- Of lines of one instant the one of the first order by name, so that every run finds the same.
    select tenant, feed, customer_id, stock_code, quantity, event_at, min(order_id) as order_id from sold where customer_id is not null group by all
),
greater as (
    select
        c.number,
        max_by(s.order_id, (s.event_at, -s.quantity, s.order_id)) as order_id,
        max(s.event_at) as event_at,
        max_by(s.quantity, (s.event_at, -s.quantity, s.order_id)) as quantity
    from cancelled as c
    join same as s
        on s.tenant = c.tenant and s.feed = c.feed and s.customer_id = c.customer_id and s.stock_code = c.stock_code
        and s.event_at <= c.event_at and s.quantity > -c.quantity
    group by c.number
),
linked as (
    select
        c.*,
        case
            when o.order_id is not null then 'by_order'
            when c.cancels_order_id is not null then 'order_unknown'
            when c.customer_id is null then 'no_customer'
            when s.order_id is not null then 'same_quantity'
            when g.order_id is not null then 'greater_quantity'
            else 'nothing_earlier'
        end as link,
        coalesce(o.order_id, s.order_id, g.order_id) as cancelled_order_id,
        coalesce(o.event_at, s.event_at, g.event_at) as cancelled_at,
        case when o.order_id is null then coalesce(s.quantity, g.quantity) end as cancelled_quantity
    from cancelled as c
    left join orders as o on o.tenant = c.tenant and o.feed = c.feed and o.order_id = c.cancels_order_id
    asof left join same as s
        on s.tenant = c.tenant and s.feed = c.feed and s.customer_id = c.customer_id and s.stock_code = c.stock_code and s.quantity = -c.quantity
        and s.event_at <= c.event_at
    left join greater as g on g.number = c.number and s.order_id is null
)
select
    mart_date,
    tenant,
    feed,
    order_id,
    event_at,
    customer_id,
    stock_code,
    description,
    currency,
    quantity,
    unit_price,
    lines,
    amount,
    link,
    cancelled_order_id,
    cancelled_at,
    cancelled_quantity,
    cast(date_diff('day', cancelled_at, event_at) as bigint) as days_after,
    case
        when cancelled_order_id is not null
            then cast(sum(lines) over (partition by tenant, feed, cancelled_order_id, stock_code, customer_id, cancelled_at, cancelled_quantity) as bigint)
    end as found_by
from linked
