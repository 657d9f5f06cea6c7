select
    day as mart_date,
    rule,
    level,
    field,
    application as feed,
    count(distinct (part, line, "row")) as quarantined,
    count(distinct part) as parts,
    cast(min(landed_at) as timestamp) as first_landed_at,
    cast(max(landed_at) as timestamp) as last_landed_at
from {{ source('clickstream', 'quarantine') }}
where level <> 'held' and {{ in_mart_dates('day') }}
group by day, rule, level, field, application
