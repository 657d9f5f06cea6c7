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
    cast(sum(amount) as decimal(38, 3)) as revenue,
    cast(sum(distinct_amount) as decimal(38, 3)) as distinct_revenue,
    {{ sum_of_known('amount', "event_type = 'order_placed'") }} as sold,
    {{ sum_of_known('amount', "event_type = 'order_cancelled'") }} as cancelled,
    {{ sum_of_known('amount', "event_type not in ('order_placed', 'order_cancelled')") }} as adjusted
from {{ ref('commerce_order_lines') }}
where {{ in_mart_dates() }}
group by mart_date, tenant, feed, currency
