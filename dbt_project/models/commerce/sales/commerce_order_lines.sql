-- Identical rows of one file are rows of their own: `lines` counts them all, `distinct_lines` the first of each.
select
    mart_date,
    tenant,
    feed,
    event_type,
    order_id,
    cancels_order_id,
    event_at,
    customer_id,
    stock_code,
    description,
    currency,
    quantity,
    unit_price,
    count(*) as lines,
    count(*) filter (repeat = 1) as distinct_lines,
    cast(sum(amount) as decimal(38, 3)) as amount,
    cast(sum(amount) filter (repeat = 1) as decimal(38, 3)) as distinct_amount,
    count(*) as _source_rows
from {{ ref('stg_commerce_rows') }}
where {{ in_mart_dates() }} and order_id is not null
group by all
