with totals as (
    select
        tenant,
        currency,
        stock_code,
        max_by(description, (event_at, description)) as description,
        count(distinct order_id) filter (event_type = 'order_placed') as orders,
        cast(sum(lines * quantity) as bigint) as pieces,
        cast(coalesce(sum(lines * quantity) filter (event_type = 'order_placed'), 0) as bigint) as pieces_sold,
        cast(sum(amount) as decimal(38, 3)) as revenue,
        cast(sum(distinct_amount) as decimal(38, 3)) as distinct_revenue
    from {{ ref('commerce_order_lines') }}
    where {{ until_as_of() }} and stock_code is not null
    group by tenant, currency, stock_code
),
ranked as (
    select
        *,
        {{ place_by('revenue', 'tenant, currency', 'stock_code') }} as rank_by_revenue,
        {{ place_by('pieces_sold', 'tenant, currency', 'stock_code') }} as rank_by_pieces
    from totals
)
select
    tenant, currency, stock_code, description, orders, pieces, pieces_sold, revenue, distinct_revenue, rank_by_revenue, rank_by_pieces
from ranked
where least(rank_by_revenue, rank_by_pieces) <= {{ var('top') }}
