-- What a file cost is shared out among the tenants by their rows: the bytes of a part by the rows kept of it, the seconds of a day by the rows kept of
-- it. Parts and days of which nothing was kept (copies, lines that are none) are nobody's: tenant `(nobody)`.
with kept as (
    select mart_date, fetch_id, part, tenant, count(*) as kept
    from {{ ref('stg_commerce_rows') }}
    where {{ in_mart_dates() }}
    group by all
),
parts as (
    select b.day as mart_date, b.fetch_id, b.part, b.kept, p.raw_bytes
    from {{ source('commerce', 'books') }} as b
    join {{ source('commerce', 'parts') }} as p on p.part = b.part
    where {{ in_mart_dates('b.day') }}
),
days as (
    select day as mart_date, sum(seconds) as seconds, sum(kept) as kept
    from {{ source('commerce', 'builds') }}
    where {{ in_mart_dates('day') }}
    group by day
),
shares as (
    select p.mart_date, coalesce(k.tenant, '(nobody)') as tenant, p.fetch_id, coalesce(k.kept, 0) as kept,
        p.raw_bytes * coalesce(k.kept / nullif(p.kept, 0), 1) as raw_bytes
    from parts as p
    left join kept as k on k.mart_date = p.mart_date and k.part = p.part
)
select
    s.mart_date,
    s.tenant,
    s.fetch_id,
    cast(sum(s.kept) as bigint) as "rows",
    cast(sum(s.raw_bytes) as double) as raw_bytes,
    -- A day of which nothing was kept is shared among its files.
    cast(any_value(d.seconds) * coalesce(sum(s.kept) / nullif(any_value(d.kept), 0), 1 / any_value(f.files)) as double) as seconds,
    cast(sum(s.kept) as bigint) as _source_rows
from shares as s
join days as d on d.mart_date = s.mart_date
join (select mart_date, count(distinct fetch_id) as files from parts group by mart_date) as f on f.mart_date = s.mart_date
group by s.mart_date, s.tenant, s.fetch_id
