select
    mart_date,
    client_id,
    actor,
    {{ newest_name() }} as app_name,
    {{ newest_name('client_type') }} as client_type,
    is_collector,
    count(*) as events,
    {{ call_measures() }},
    count(*) filter (application = 'token' and event_name = 'authorize') as grants,
    count(*) filter (application = 'token' and event_name = 'revoke') as revokes,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and client_id is not null
group by mart_date, client_id, actor, is_collector
