select day as mart_date, rule, cast(sum("rows") as bigint) as events
from {{ source('clickstream', 'filtered') }}
where {{ in_mart_dates('day') }}
group by day, rule
