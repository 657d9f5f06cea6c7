select
    mart_date,
    feed,
    destination_facility_id as facility_id,
    destination_name as facility_name,
    destination_region as region,
    carrier_code,
    carrier_name,
    carrier_tier,
    {{ shipment_measures() }}
from {{ ref('logistics_shipments') }}
where {{ in_mart_dates() }}
group by all
