with grants as (
    select client_id, scope, min(first_event_at) as first_granted_at, max(last_event_at) as named_at, {{ newest_name(time='last_event_at') }} as app_name
    from {{ ref('audit_user_scopes') }}
    where {{ until_as_of() }} and event_name = 'authorize' and scope is not null
    group by client_id, scope
),
classed as (
    select
        g.*,
        r.risk_class,
        r.risk,
        max(r.risk) over (
            partition by g.client_id order by g.first_granted_at range between unbounded preceding and interval 1 microsecond preceding
        ) as highest_risk_before
    from grants as g
    join {{ scope_risk('grants', ref('audit_scope_risk')) }} as r on r.scope = g.scope
),
names as (
    select client_id, {{ newest_name(time='named_at') }} as app_name from grants group by client_id
),
added as (
    select
        cast(date_trunc('week', first_granted_at) as date) as week_start,
        client_id,
        risk_class,
        count(*) as added_scopes,
        list(scope order by scope) as scopes,
        coalesce(bool_or(risk > highest_risk_before), false) as is_escalation
    from classed
    group by all
)
select
    a.week_start,
    a.client_id,
    a.risk_class,
    n.app_name,
    a.added_scopes,
    cast(sum(a.added_scopes) over (partition by a.client_id, a.risk_class order by a.week_start) as bigint) as scopes_so_far,
    a.scopes,
    a.is_escalation
from added as a
left join names as n on n.client_id is not distinct from a.client_id
