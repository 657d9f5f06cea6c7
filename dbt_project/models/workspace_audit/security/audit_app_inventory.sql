with apps as (
    select
        client_id,
        is_collector,
        {{ newest_name(time='last_event_at') }} as app_name,
        {{ newest_name('client_type', 'last_event_at') }} as client_type,
        min(first_event_at) as first_used_at,
        max(last_event_at) as last_used_at,
        count(distinct mart_date) as active_days,
        count(distinct actor) as users,
        cast(sum(events) as bigint) as events,
        {{ sum_call_measures() }},
        cast(sum(grants) as bigint) as grants,
        cast(sum(revokes) as bigint) as revokes
    from {{ ref('audit_app_users') }}
    where {{ until_as_of() }}
    group by client_id, is_collector
),
scopes as (
    select distinct client_id, scope
    from {{ ref('audit_user_scopes') }}
    where {{ until_as_of() }} and event_name = 'authorize' and scope is not null
),
risks as (
    select s.client_id, count(*) as granted_scopes, arg_max(r.risk_class, r.risk) as highest_risk_class
    from scopes as s
    join {{ scope_risk('scopes', ref('audit_scope_risk')) }} as r on r.scope = s.scope
    group by s.client_id
)
select
    a.client_id, a.app_name, a.client_type, a.is_collector, a.first_used_at, a.last_used_at,
    cast({{ as_of(ref('audit_app_users')) }} - cast(a.last_used_at as date) as integer) as days_since_last_use,
    a.active_days, a.users, a.events, a.calls, a.bytes, a.calls_with_bytes, a.grants, a.revokes,
    coalesce(r.granted_scopes, 0) as granted_scopes, r.highest_risk_class
from apps as a
left join risks as r on r.client_id = a.client_id
