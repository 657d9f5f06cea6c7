with activity as (
    select
        tenant,
        min(mart_date) as first_on,
        max(mart_date) as last_on,
        cast(sum("rows") as bigint) as "rows",
        cast(sum(events) as bigint) as events
    from {{ ref('commerce_hourly_activity') }}
    group by tenant
),
sales as (
    select
        tenant,
        count(distinct currency) as currencies,
        bool_and(currency is not null or amount is null) as every_currency_is_known,
        count(distinct order_id) as invoices,
        count(distinct order_id) filter (event_type = 'order_placed') as orders,
        count(distinct customer_id) as customers,
        cast(sum(lines) as bigint) as lines,
        cast(sum(distinct_lines) as bigint) as distinct_lines,
        cast(coalesce(sum(lines) filter (event_type = 'order_cancelled'), 0) as bigint) as cancel_lines,
        cast(coalesce(sum(lines) filter (customer_id is null), 0) as bigint) as lines_without_customer,
        sum(amount) as revenue,
        sum(distinct_amount) as distinct_revenue
    from {{ ref('commerce_order_lines') }}
    group by tenant
)
select
    a.tenant,
    a.first_on,
    a.last_on,
    {{ as_of(ref('commerce_hourly_activity')) }} as complete_through,
    a."rows",
    a.events,
    coalesce(s.invoices, 0) as invoices,
    coalesce(s.orders, 0) as orders,
    coalesce(s.customers, 0) as customers,
    coalesce(s.lines, 0) as lines,
    coalesce(s.distinct_lines, 0) as distinct_lines,
    coalesce(s.cancel_lines, 0) as cancel_lines,
    coalesce(s.lines_without_customer, 0) as lines_without_customer,
    coalesce(s.currencies, 0) as currencies,
    -- Pounds and euros make no sum, nor do pounds and what tells no currency.
    cast(case when s.currencies = 1 and s.every_currency_is_known then s.revenue end as decimal(38, 3)) as revenue,
    cast(case when s.currencies = 1 and s.every_currency_is_known then s.distinct_revenue end as decimal(38, 3)) as distinct_revenue
from activity as a
left join sales as s on s.tenant = a.tenant
