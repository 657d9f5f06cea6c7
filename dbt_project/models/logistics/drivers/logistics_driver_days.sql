-- Only what came within two hours, the allowed lateness of a position: what comes later changes no row, also where it was held and is released.
with known as (
    select
        mart_date,
        driver_id,
        event_at,
        event_id,
        speed_kmh,
        harsh_brakes,
        latitude,
        longitude,
        lag(latitude) over way as latitude_before,
        lag(longitude) over way as longitude_before
    from {{ ref('stg_logistics_events') }}
    where event_type = 'driver.position' and driver_id is not null and lateness_ms <= 7200000 and {{ in_mart_dates() }}
    window way as (partition by mart_date, driver_id order by event_at, event_id)
)
select
    mart_date,
    driver_id,
    count(*) as positions,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) filter (speed_kmh > 100) as positions_above_100,
    cast(coalesce(sum(harsh_brakes), 0) as bigint) as harsh_brakes,
    max(speed_kmh) as top_speed_kmh,
    cast(coalesce(sum(cast(speed_kmh as decimal(18, 6))), 0) as double) as sum_of_speeds_kmh,
    count(speed_kmh) as speeds,
    cast(coalesce(sum(cast(12742 * asin(sqrt(
        sin(radians(latitude - latitude_before) / 2) ** 2
        + cos(radians(latitude)) * cos(radians(latitude_before)) * sin(radians(longitude - longitude_before) / 2) ** 2
    )) as decimal(18, 6))), 0) as double) as distance_km
from known
group by mart_date, driver_id
