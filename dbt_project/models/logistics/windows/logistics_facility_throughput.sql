-- Written from the declaration logistics_facility_throughput of the dataset by `python -m lakehouse.marts.generate`: do not edit.
with panes as (
    select window_start - interval 60 second * unnest(range(5)) as started_at, facility_id, scans, arrivals, sorts, departures
    from {{ ref('logistics_facility_minutes') }}
    where {{ in_mart_dates(before=1) }}
),
dated as (
    select *, cast(started_at + interval 300 second - interval 1 microsecond as date) as mart_date from panes
)
select
    mart_date,
    started_at as window_start,
    facility_id,
    cast(sum(scans) as bigint) as scans,
    cast(sum(arrivals) as bigint) as arrivals,
    cast(sum(sorts) as bigint) as sorts,
    cast(sum(departures) as bigint) as departures
from dated
where {{ in_mart_dates() }}
group by mart_date, window_start, facility_id
