select
    mart_date,
    event_type,
    event_name,
    setting_name,
    role_name,
    actor,
    count(*) as events,
    count(distinct target_email) as targets,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and application = 'admin'
group by mart_date, event_type, event_name, setting_name, role_name, actor
