-- A scope is held by a user from the last authorize that no later revoke took back.
with held as (
    select
        actor,
        client_id,
        scope,
        {{ newest_name(time='last_event_at') }} as app_name,
        max(last_event_at) filter (event_name = 'authorize') as granted_at
    from {{ ref('audit_user_scopes') }}
    where {{ until_as_of() }} and event_name in ('authorize', 'revoke') and scope is not null
    group by actor, client_id, scope
    having coalesce(granted_at > max(last_event_at) filter (event_name = 'revoke'), granted_at is not null)
),
risky as (
    select h.*, r.risk_class, r.risk
    from held as h
    join {{ scope_risk('held', ref('audit_scope_risk')) }} as r on r.scope = h.scope
    where r.risk >= 3
)
select
    a.client_id,
    a.scope as scope_a,
    b.scope as scope_b,
    any_value(a.risk_class) as risk_class_a,
    any_value(b.risk_class) as risk_class_b,
    last(a.app_name order by a.granted_at, a.app_name) filter (a.app_name is not null) as app_name,
    count(distinct coalesce(a.actor, '')) as holders,
    min(greatest(a.granted_at, b.granted_at)) as first_held_at,
    max(greatest(a.granted_at, b.granted_at)) as last_held_at
from risky as a
join risky as b on a.client_id is not distinct from b.client_id and a.actor is not distinct from b.actor and a.scope < b.scope
group by a.client_id, a.scope, b.scope
