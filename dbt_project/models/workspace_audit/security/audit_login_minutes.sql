select
    mart_date,
    date_trunc('minute', event_at) as minute_start,
    actor,
    count(*) as logins,
    count(*) filter (event_name = 'login_failure') as failures,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and application in ('login', 'saml') and event_name in ('login_success', 'login_failure')
group by mart_date, minute_start, actor
