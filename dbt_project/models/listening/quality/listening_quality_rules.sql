select
    day as mart_date,
    case when level = 'held' then 'held' else 'refused' end as outcome,
    rule,
    field,
    application,
    count(distinct (part, line, "row")) as records
from {{ source('listening', 'quarantine') }}
where {{ in_mart_dates('day') }}
group by all
union all
select mart_date, 'noted' as outcome, split_part(note, ':', 1) as rule, split_part(note, ':', 2) as field, null as application, count(*) as records
from (select mart_date, unnest(quality) as note from {{ ref('stg_listening_events') }} where {{ in_mart_dates() }})
group by all
