with changes as (
    select
        mart_date,
        client_id,
        scope,
        {{ newest_name(time='last_event_at') }} as app_name,
        cast(sum(events) filter (event_name = 'authorize') as bigint) as grants,
        cast(sum(events) filter (event_name = 'revoke') as bigint) as revokes,
        cast(sum(events) filter (event_name = 'deny') as bigint) as denials,
        cast(sum(events) filter (event_name = 'request') as bigint) as requests,
        cast(sum(events) as bigint) as events,
        count(distinct actor) as users,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at
    from {{ ref('audit_user_scopes') }}
    where {{ in_mart_dates() }}
    group by mart_date, client_id, scope
)
select
    c.mart_date, c.client_id, c.scope, c.app_name, coalesce(r.risk_class, 'unknown') as risk_class,
    coalesce(c.grants, 0) as grants, coalesce(c.revokes, 0) as revokes, coalesce(c.denials, 0) as denials, coalesce(c.requests, 0) as requests,
    c.events, c.users, c.first_event_at, c.last_event_at
from changes as c
left join {{ scope_risk('changes', ref('audit_scope_risk')) }} as r on r.scope = c.scope
