select
    mart_date,
    application,
    actor,
    event_name,
    login_type,
    login_failure_type,
    region_code,
    is_suspicious,
    is_second_factor,
    count(*) as events,
    count(distinct ip_address) as addresses,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and application in ('login', 'saml')
group by mart_date, application, actor, event_name, login_type, login_failure_type, region_code, is_suspicious, is_second_factor
