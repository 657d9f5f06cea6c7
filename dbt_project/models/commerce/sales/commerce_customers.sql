with totals as (
    select
        tenant,
        customer_id,
        currency,
        count(distinct order_id) filter (event_type = 'order_placed') as orders,
        cast(coalesce(sum(lines) filter (event_type = 'order_placed'), 0) as bigint) as lines,
        {{ sum_of_known('amount', "event_type = 'order_placed'") }} as sold,
        {{ sum_of_known('amount', "event_type = 'order_cancelled'") }} as cancelled,
        cast(sum(amount) as decimal(38, 3)) as revenue,
        cast(sum(distinct_amount) as decimal(38, 3)) as distinct_revenue,
        min(mart_date) as first_on,
        max(mart_date) as last_on,
        count(distinct mart_date) as active_days
    from {{ ref('commerce_order_lines') }}
    where {{ until_as_of() }} and customer_id is not null
    group by tenant, customer_id, currency
)
select
    tenant, customer_id, currency, orders, lines, sold, cancelled, revenue, distinct_revenue, first_on, last_on, active_days,
    {{ place_by('revenue', 'tenant, currency', 'customer_id') }} as rank_by_revenue
from totals
