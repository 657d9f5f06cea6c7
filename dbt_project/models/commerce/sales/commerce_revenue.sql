select
    mart_date,
    tenant,
    feed,
    currency,
    count(distinct order_id) as invoices,
    cast(sum(lines) as bigint) as lines,
    cast(sum(distinct_lines) as bigint) as distinct_lines,
    cast(coalesce(sum(lines) filter (event_type = 'order_cancelled'), 0) as bigint) as cancel_lines,
    cast(coalesce(sum(lines) filter (customer_id is null), 0) as bigint) as lines_without_customer,
    cast(coalesce(sum(amount), 0) as decimal(38, 3)) as revenue,
    cast(coalesce(sum(distinct_amount), 0) as decimal(38, 3)) as distinct_revenue,
    cast(coalesce(sum(amount) filter (event_type = 'order_placed'), 0) as decimal(38, 3)) as sold,
    cast(coalesce(sum(amount) filter (event_type = 'order_cancelled'), 0) as decimal(38, 3)) as cancelled,
    cast(coalesce(sum(amount) filter (event_type not in ('order_placed', 'order_cancelled')), 0) as decimal(38, 3)) as adjusted
from {{ ref('commerce_order_lines') }}
where {{ in_mart_dates() }}
group by mart_date, tenant, feed, currency
