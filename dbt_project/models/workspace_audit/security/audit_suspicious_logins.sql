select
    mart_date,
    actor,
    application,
    event_name,
    region_code,
    cast(sum(events) as bigint) as events,
    list_sort(coalesce(list(distinct login_type) filter (login_type is not null), [])) as login_types,
    min(first_event_at) as first_event_at,
    max(last_event_at) as last_event_at
from {{ ref('audit_login_activity') }}
where {{ in_mart_dates() }} and (is_suspicious or event_name like 'suspicious%')
group by mart_date, actor, application, event_name, region_code
