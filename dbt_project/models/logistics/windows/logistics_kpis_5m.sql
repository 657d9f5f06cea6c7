-- Written from the declaration logistics_kpis_5m of the dataset by `python -m lakehouse.marts.generate`: do not edit.
select
    event_date as mart_date,
    time_bucket(interval 300 second, cast(event_time as timestamp), timestamp '1970-01-01') as window_start,
    event_type,
    carrier_code,
    count(*) as events,
    count(*) filter (status = 'delivered') as delivered,
    count(*) filter (status = 'exception') as exceptions
from {{ source('logistics', 'clean') }}
where event_type in ('shipment.created', 'shipment.status.changed') and {{ in_mart_dates('event_date') }}
group by mart_date, window_start, event_type, carrier_code
