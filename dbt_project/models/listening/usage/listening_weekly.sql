select
    cast(date_trunc('week', mart_date) as date) as mart_date,
    dimension,
    value,
    artist,
    cast(sum(events) as bigint) as events,
    cast(sum(plays) as bigint) as plays,
    {{ sum_seconds('seconds') }} as seconds,
    len(list_distinct(flatten(list(_user_ids)))) as users,
    count(*) as active_days
from {{ ref('listening_daily') }}
where {{ in_mart_dates("cast(date_trunc('week', mart_date) as date)") }}
group by 1, 2, 3, 4
