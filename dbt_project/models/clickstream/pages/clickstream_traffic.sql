select
    mart_date,
    date_trunc('hour', event_at) as hour_start,
    method,
    status,
    count(*) as requests,
    count(distinct host) as hosts,
    cast(sum(bytes) as bigint) as bytes,
    count(bytes) as requests_with_bytes,
    count(*) as _source_rows
from {{ ref('stg_clickstream_events') }}
where {{ in_mart_dates() }} and feed = 'access_log'
group by all
