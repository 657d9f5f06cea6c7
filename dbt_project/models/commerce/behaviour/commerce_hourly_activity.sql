select
    mart_date,
    tenant,
    hour_start,
    feed,
    event_type,
    count(distinct (event_id, repeat)) as events,
    count(*) as "rows",
    count(distinct customer_id) as customers,
    count(*) as _source_rows
from {{ ref('stg_commerce_rows') }}
where {{ in_mart_dates() }}
group by all
