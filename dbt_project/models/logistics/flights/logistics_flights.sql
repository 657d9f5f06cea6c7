select
    mart_date,
    carrier_code,
    origin_facility_id as origin,
    count(*) as flights,
    count(*) filter (is_cancelled) as cancelled,
    count(*) filter (is_diverted) as diverted,
    count(arrival_delay_minutes) as arrived_as_planned,
    count(*) filter (arrival_delay_minutes >= 15) as late_by_15_minutes,
    cast(coalesce(sum(arrival_delay_minutes), 0) as bigint) as arrival_delay_minutes,
    sum(arrival_delay_minutes) / nullif(count(arrival_delay_minutes), 0) as mean_arrival_delay_minutes,
    count(distinct destination_facility_id) as destinations,
    cast(coalesce(sum(distance_miles), 0) as bigint) as distance_miles
from {{ ref('stg_logistics_events') }}
where event_type = 'flight.leg.exported' and {{ in_mart_dates() }}
group by mart_date, carrier_code, origin_facility_id
