-- Two exports that tell different times of one step of an order: the later export (`telling`) is right. Of events the first time counts.
select
    mart_date,
    shipment_id,
    status,
    feed,
    case when feed = 'olist' then arg_max(event_at, (telling, event_at)) else min(event_at) end as first_at,
    case when feed = 'olist' then arg_max(event_at, (telling, event_at)) else max(event_at) end as last_at,
    count(*) as events,
    min(ingested_at) as first_ingested_at,
    arg_max(order_status, (telling, event_at)) as order_status,
    max(telling) as telling,
    arg_max(promised_at, (telling, event_at)) as promised_at,
    arg_min(carrier_code, (event_at, event_id)) as carrier_code,
    arg_min(lane_id, (event_at, event_id)) as lane_id,
    arg_min(origin_facility_id, (event_at, event_id)) as origin_facility_id,
    arg_min(destination_facility_id, (event_at, event_id)) as destination_facility_id,
    coalesce(list_sort(list(exception_code) filter (exception_code is not null)), []) as exception_codes
from {{ ref('stg_logistics_events') }}
where shipment_id is not null and status is not null and {{ in_mart_dates() }}
group by mart_date, shipment_id, status, feed
