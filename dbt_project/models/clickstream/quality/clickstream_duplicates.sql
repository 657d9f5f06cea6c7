select
    day as mart_date,
    application as feed,
    cast(sum(lines) as bigint) as lines,
    cast(sum(unreadable) as bigint) as unreadable,
    cast(sum(records) as bigint) as records,
    cast(sum("rows") as bigint) as rows_told,
    cast(sum(quarantined) as bigint) as quarantined,
    cast(sum(filtered) as bigint) as filtered,
    cast(sum(held) as bigint) as held,
    cast(sum(duplicate) as bigint) as duplicates,
    cast(sum(kept) as bigint) as kept,
    sum(duplicate) / nullif(sum(duplicate) + sum(kept), 0) as duplicate_share
from {{ source('clickstream', 'books') }}
where {{ in_mart_dates('day') }}
group by day, application
