select
    b.day as mart_date,
    b.application as feed,
    b.fetch_id,
    any_value(f.file_name) as file,
    cast(sum(lines) as bigint) as lines,
    cast(sum(unreadable) as bigint) as unreadable,
    cast(sum(records) as bigint) as records,
    cast(sum("rows") as bigint) as rows_told,
    cast(sum(quarantined) as bigint) as quarantined,
    cast(sum(held) as bigint) as held,
    cast(sum(duplicate) as bigint) as duplicates,
    cast(sum(kept) as bigint) as kept
from {{ source('logistics', 'books') }} as b
left join {{ source('logistics', 'fetches') }} as f on f.fetch_id = b.fetch_id
where {{ in_mart_dates('b.day') }}
group by b.day, b.application, b.fetch_id
