with visits as (
    select
        mart_date,
        tenant,
        session_id,
        bool_or(event_type = 'product_viewed') as has_product,
        bool_or(event_type = 'cart_item_added') as has_cart,
        bool_or(event_type = 'checkout_started') as has_checkout,
        bool_or(event_type = 'order_placed') as has_order
    from {{ ref('stg_commerce_rows') }}
    where {{ in_mart_dates() }} and session_id is not null
    group by all
)
select
    mart_date,
    tenant,
    count(*) as visits,
    count(*) filter (has_product) as visits_with_product,
    count(*) filter (has_cart) as visits_with_cart,
    count(*) filter (has_checkout) as visits_with_checkout,
    count(*) filter (has_order) as visits_with_order,
    count(*) filter (has_cart) / nullif(count(*) filter (has_product), 0) as cart_rate,
    count(*) filter (has_order) / nullif(count(*) filter (has_cart), 0) as order_rate,
    count(*) filter (has_order) / count(*) as conversion_rate
from visits
group by mart_date, tenant
