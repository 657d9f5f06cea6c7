select
    c.facility_id,
    c.valid_from,
    c.valid_to,
    c.valid_to is null as is_current,
    c.name,
    c.region,
    c.capacity_per_hour,
    count(s.shipment_id) as shipments,
    count(s.delivered_at) as delivered,
    count(*) filter (s.is_late_by_day) as late_by_day
from {{ ref('stg_logistics_facilities') }} as c
left join {{ ref('logistics_shipments') }} as s
    on s.origin_facility_id = c.facility_id and s.begun_at >= c.valid_from and (c.valid_to is null or s.begun_at < c.valid_to) and {{ until_as_of('s.mart_date') }}
group by all
