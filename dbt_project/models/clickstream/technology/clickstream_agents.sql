select
    mart_date,
    feed,
    count(distinct user_agent) as agents,
    count(distinct user_agent) filter (not agent_is_parsed) as unparsed_agents,
    count(*) as events,
    count(*) filter (not agent_is_parsed) as unparsed_events,
    count(*) as _source_rows
from {{ ref('stg_clickstream_events') }}
where {{ in_mart_dates() }} and user_agent is not null
group by mart_date, feed
