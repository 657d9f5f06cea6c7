-- Written from the declaration logistics_facility_throughput of the dataset by `python -m lakehouse.marts.generate`: do not edit.
select
    event_date as mart_date,
    time_bucket(interval 60 second, cast(event_time as timestamp), timestamp '1970-01-01') as window_start,
    facility_id,
    count(*) as scans,
    count(*) filter (scan_type = 'arrival') as arrivals,
    count(*) filter (scan_type = 'sort') as sorts,
    count(*) filter (scan_type = 'departure') as departures
from {{ source('logistics', 'clean') }}
where event_type in ('facility.scan') and {{ in_mart_dates('event_date') }}
group by mart_date, window_start, facility_id
