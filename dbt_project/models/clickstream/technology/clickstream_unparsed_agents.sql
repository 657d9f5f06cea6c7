select mart_date, feed, user_agent, count(*) as events, count(*) as _source_rows
from {{ ref('stg_clickstream_events') }}
where {{ in_mart_dates() }} and not agent_is_parsed
group by mart_date, feed, user_agent
