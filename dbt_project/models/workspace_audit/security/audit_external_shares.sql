select
    mart_date,
    actor,
    doc_id,
    doc_type,
    event_name,
    visibility,
    target_email_domain,
    {{ is_public('visibility') }} as is_public,
    count(*) as events,
    count(distinct target_email) as targets,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as _source_rows
from {{ ref('stg_audit_events') }}
where {{ in_mart_dates() }} and {{ is_shared_outside() }}
group by mart_date, actor, doc_id, doc_type, event_name, visibility, target_email_domain
