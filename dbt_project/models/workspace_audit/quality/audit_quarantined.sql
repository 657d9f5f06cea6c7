select
    day as mart_date,
    rule,
    level,
    field,
    application,
    count(*) as quarantined,
    count(distinct part) as parts,
    min(landed_at) as first_landed_at,
    max(landed_at) as last_landed_at
from {{ source('workspace_audit', 'quarantine') }}
where {{ in_mart_dates('day') }}
group by day, rule, level, field, application
