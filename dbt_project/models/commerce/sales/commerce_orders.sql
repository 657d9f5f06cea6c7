with orders as (
    select
        mart_date,
        tenant,
        feed,
        currency,
        order_id,
        max(customer_id) as customer_id,
        sum(lines) as lines,
        sum(lines * quantity) as pieces,
        sum(amount) as amount
    from {{ ref('commerce_order_lines') }}
    where {{ in_mart_dates() }} and event_type = 'order_placed'
    group by mart_date, tenant, feed, currency, order_id
)
select
    mart_date,
    tenant,
    feed,
    currency,
    count(*) as orders,
    count(customer_id) as orders_with_customer,
    count(distinct customer_id) as customers,
    cast(sum(lines) as bigint) as lines,
    cast(sum(pieces) as bigint) as pieces,
    cast(sum(amount) as decimal(38, 3)) as amount,
    cast(avg(amount) as double) as mean_amount,
    cast(median(amount) as double) as median_amount,
    cast(max(amount) as decimal(38, 3)) as largest_amount
from orders
group by mart_date, tenant, feed, currency
