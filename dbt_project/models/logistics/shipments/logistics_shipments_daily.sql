select
    mart_date,
    feed,
    {{ shipment_measures() }},
    count(*) filter (len(exception_codes) > 0) as with_exceptions,
    count(*) filter (len(step_anomalies) > 0) as with_steps_out_of_order,
    count(*) filter (came_out_of_order) as came_out_of_order,
    cast(sum(events) as bigint) as events
from {{ ref('logistics_shipments') }}
where {{ in_mart_dates() }}
group by mart_date, feed
