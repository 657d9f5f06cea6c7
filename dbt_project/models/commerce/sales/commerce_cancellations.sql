-- A cancellation names its order, or it takes pieces from what its customer had bought of the product before, the cancellations one after the other:
-- from the newest earlier line of the same quantity of which so much is left, else from the newest of a greater one. So no more pieces of a line are
-- cancelled than it had. One that tells no pieces below 0 takes nothing back, and nothing from the others.
with recursive cancelled as (
    select *, row_number() over (order by tenant, feed, event_at, order_id, customer_id, stock_code, description, currency, quantity, unit_price) as number
    from {{ ref('commerce_order_lines') }}
    where {{ until_as_of() }} and event_type = 'order_cancelled'
),
orders as (
    select tenant, feed, order_id, min(event_at) as event_at
    from {{ ref('commerce_order_lines') }}
    where {{ until_as_of() }} and event_type = 'order_placed'
        and (tenant, feed, order_id) in (select (tenant, feed, cancels_order_id) from cancelled)
    group by all
),
queue as (
    select
        number, tenant, feed, customer_id, stock_code, event_at, -quantity as quantity, -quantity * lines as pieces,
        row_number() over (partition by tenant, feed, customer_id, stock_code order by event_at, number) as turn
    from cancelled
    where cancels_order_id is null and customer_id is not null and stock_code is not null and quantity < 0
),
sold as (
    select tenant, feed, customer_id, stock_code, event_at, order_id, quantity, cast(sum(quantity * lines) as bigint) as pieces
    from {{ ref('commerce_order_lines') }}
    where {{ until_as_of() }} and event_type = 'order_placed'
        and (tenant, feed, customer_id, stock_code) in (select (tenant, feed, customer_id, stock_code) from queue)
    group by all
),
walk as (
    select
        tenant, feed, customer_id, stock_code, cast(0 as bigint) as turn, cast(null as bigint) as number, cast(null as bigint) as place, false as earlier,
        -- The one to take first is the last: the newest, of one instant the smallest, of equals the first order by name.
        list({'order_id': order_id, 'event_at': event_at, 'quantity': quantity, 'pieces': pieces}
            order by event_at, quantity desc, order_id desc) as bought,
        list(pieces order by event_at, quantity desc, order_id desc) as remaining
    from sold
    group by tenant, feed, customer_id, stock_code
    union all
    select
        tenant, feed, customer_id, stock_code, turn, number, place, len(fitting) > 0, bought,
        list_transform(remaining, lambda r, n: case when n = place then r - pieces else r end)
    from (
        select
            *,
            coalesce(
                list_last(list_filter(fitting, lambda n: bought[n].quantity = quantity and remaining[n] >= pieces)),
                list_last(list_filter(fitting, lambda n: remaining[n] >= pieces))
            ) as place
        from (
            select
                w.tenant, w.feed, w.customer_id, w.stock_code, q.turn, q.number, q.quantity, q.pieces, w.bought, w.remaining,
                list_filter(range(1, len(w.bought) + 1), lambda n: w.bought[n].event_at <= q.event_at and w.bought[n].quantity >= q.quantity) as fitting
            from walk as w
            join queue as q
                on q.tenant = w.tenant and q.feed = w.feed and q.customer_id = w.customer_id and q.stock_code = w.stock_code and q.turn = w.turn + 1
        )
    )
),
found as (
    select number, earlier, unnest(bought[place]) from walk where number is not null
),
linked as (
    select
        c.*,
        case
            when o.order_id is not null then 'by_order'
            when c.cancels_order_id is not null then 'order_unknown'
            when coalesce(c.quantity, 0) >= 0 then 'no_pieces'
            when c.customer_id is null then 'no_customer'
            when f.quantity = -c.quantity then 'same_quantity'
            when f.quantity is not null then 'greater_quantity'
            when f.earlier then 'nothing_left'
            else 'nothing_earlier'
        end as link,
        coalesce(o.order_id, f.order_id) as cancelled_order_id,
        coalesce(o.event_at, f.event_at) as cancelled_at,
        f.quantity as cancelled_quantity,
        f.pieces as cancelled_pieces
    from cancelled as c
    left join orders as o on o.tenant = c.tenant and o.feed = c.feed and o.order_id = c.cancels_order_id
    left join found as f on f.number = c.number
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
    cancelled_pieces,
    cast(date_diff('day', cancelled_at, event_at) as bigint) as days_after,
    case
        when cancelled_order_id is not null
            then cast(sum(lines) over (partition by tenant, feed, cancelled_order_id, stock_code, customer_id, cancelled_at, cancelled_quantity) as bigint)
    end as found_by
from linked
