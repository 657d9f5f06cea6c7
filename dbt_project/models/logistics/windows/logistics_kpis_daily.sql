-- Written from the declaration logistics_kpis_daily of the dataset by `python -m lakehouse.marts.generate`: do not edit.
select
    event_date as mart_date,
    time_bucket(interval 86400 second, cast(event_time as timestamp), timestamp '1970-01-01') as window_start,
    event_type,
    count(*) as events,
    count(*) filter (status = 'delivered') as delivered,
    count(*) filter (status = 'exception') as exceptions,
    cast(sum(harsh_brakes) as bigint) as harsh_brakes,
    max(speed_kmh) as top_speed_kmh
from {{ source('logistics', 'clean') }}
where event_type in ('shipment.created', 'shipment.status.changed', 'facility.scan', 'driver.position') and {{ in_mart_dates('event_date') }}
group by mart_date, window_start, event_type
