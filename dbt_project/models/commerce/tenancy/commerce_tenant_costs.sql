select
    mart_date,
    tenant,
    count(distinct fetch_id) as files,
    cast(sum("rows") as bigint) as "rows",
    round(cast(sum(raw_bytes) as double), 6) as raw_bytes, -- sums of shares: their last digits depend on the order of adding
    cast(sum(seconds) as double) as seconds,
    round(cast(sum(raw_bytes) / nullif(sum(sum(raw_bytes)) over (partition by mart_date), 0) as double), 12) as share_of_bytes
from {{ ref('commerce_tenant_files') }}
where {{ in_mart_dates() }}
group by mart_date, tenant
