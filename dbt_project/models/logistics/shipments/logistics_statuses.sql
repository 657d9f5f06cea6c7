select mart_date, feed, status, count(*) as shipments
from {{ ref('logistics_shipments') }}
where {{ in_mart_dates() }}
group by mart_date, feed, status
