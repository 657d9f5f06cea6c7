select
    mart_date,
    tenant,
    count(distinct fetch_id) as files,
    cast(sum("rows") as bigint) as "rows",
    cast(sum(raw_bytes) as double) as raw_bytes,
    cast(sum(seconds) as double) as seconds,
    cast(sum(raw_bytes) / nullif(sum(sum(raw_bytes)) over (partition by mart_date), 0) as double) as share_of_bytes
from {{ ref('commerce_tenant_files') }}
where {{ in_mart_dates() }}
group by mart_date, tenant
