with rules as (
    select
        day,
        application,
        sum("rows") filter (rule = 'bot') as bots,
        sum("rows") filter (rule = 'heartbeat') as heartbeats
    from {{ source('clickstream', 'filtered') }}
    where {{ in_mart_dates('day') }}
    group by day, application
),
books as (
    select
        day,
        application,
        sum(lines) as lines,
        sum(unreadable) as unreadable,
        sum(records) as records,
        sum("rows") as rows_told,
        sum(quarantined) as quarantined,
        sum(filtered) as filtered,
        sum(duplicate) as duplicates,
        sum(kept) as kept
    from {{ source('clickstream', 'books') }}
    where {{ in_mart_dates('day') }}
    group by day, application
)
select
    b.day as mart_date,
    b.application as feed,
    cast(b.lines as bigint) as lines,
    cast(b.unreadable as bigint) as unreadable,
    cast(b.records as bigint) as records,
    cast(b.rows_told as bigint) as rows_told,
    cast(b.quarantined as bigint) as quarantined,
    cast(b.filtered as bigint) as filtered,
    cast(coalesce(r.bots, 0) as bigint) as bots,
    cast(coalesce(r.heartbeats, 0) as bigint) as heartbeats,
    cast(b.duplicates as bigint) as duplicates,
    cast(b.kept as bigint) as kept,
    b.duplicates / nullif(b.duplicates + b.kept, 0) as duplicate_share
from books as b
left join rules as r on r.day = b.day and r.application = b.application
