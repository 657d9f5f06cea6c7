with told as (
    select mart_date, shipment_id, feed, carrier_code, 'exception' as kind, unnest(exception_codes) as code
    from {{ ref('logistics_shipments') }}
    where {{ in_mart_dates() }}
    union all
    select mart_date, shipment_id, feed, carrier_code, 'step_order' as kind, unnest(step_anomalies) as code
    from {{ ref('logistics_shipments') }}
    where {{ in_mart_dates() }}
)
select mart_date, feed, kind, code, carrier_code, count(*) as occurrences, count(distinct shipment_id) as shipments
from told
group by mart_date, feed, kind, code, carrier_code
