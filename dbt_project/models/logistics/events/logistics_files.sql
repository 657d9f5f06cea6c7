select
    day as mart_date,
    application as feed,
    fetch_id,
    cast(sum(lines) as bigint) as lines,
    cast(sum(unreadable) as bigint) as unreadable,
    cast(sum(records) as bigint) as records,
    cast(sum("rows") as bigint) as rows_told,
    cast(sum(quarantined) as bigint) as quarantined,
    cast(sum(held) as bigint) as held,
    cast(sum(duplicate) as bigint) as duplicates,
    cast(sum(kept) as bigint) as kept
from {{ source('logistics', 'books') }}
where {{ in_mart_dates('day') }}
group by day, application, fetch_id
