select
    b.day as mart_date,
    b.fetch_id,
    any_value(f.file_name) as file,
    b.application,
    cast(sum(lines) as bigint) as lines,
    cast(sum(unreadable) as bigint) as unreadable,
    cast(sum(records) as bigint) as records,
    cast(sum("rows") as bigint) as rows_told,
    cast(sum(quarantined) as bigint) as quarantined,
    cast(sum(filtered) as bigint) as filtered,
    cast(sum(held) as bigint) as held,
    cast(sum(duplicate) as bigint) as duplicates,
    cast(sum(kept) as bigint) as kept,
    sum(unreadable + quarantined) / nullif(sum(lines), 0) as refused_share
from {{ source('listening', 'books') }} as b
left join {{ source('listening', 'fetches') }} as f on f.fetch_id = b.fetch_id
where {{ in_mart_dates('b.day') }}
group by b.day, b.fetch_id, b.application
