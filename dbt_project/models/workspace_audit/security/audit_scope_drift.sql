with grants as (
    select client_id, scope, min(mart_date) as first_granted_on, {{ newest_name(time='last_event_at') }} as app_name, max(last_event_at) as named_at
    from {{ ref('audit_user_scopes') }}
    where {{ until_as_of() }} and event_name = 'authorize' and scope is not null
    group by client_id, scope
),
added as (
    select
        cast(date_trunc('week', g.first_granted_on) as date) as week_start,
        g.client_id,
        r.risk_class,
        r.risk,
        count(*) as added_scopes,
        list(g.scope order by g.scope) as scopes
    from grants as g
    join {{ scope_risk('grants', ref('audit_scope_risk')) }} as r on r.scope = g.scope
    group by all
),
names as (
    select client_id, {{ newest_name(time='named_at') }} as app_name from grants group by client_id
),
grown as (
    select
        *,
        cast(sum(added_scopes) over (partition by client_id, risk_class order by week_start) as bigint) as scopes_so_far,
        max(risk) over (
            partition by client_id order by week_start range between unbounded preceding and interval 1 day preceding
        ) as highest_risk_before
    from added
)
select
    g.week_start, g.client_id, g.risk_class, n.app_name, g.added_scopes, g.scopes_so_far, g.scopes,
    coalesce(g.risk > g.highest_risk_before, false) as is_escalation
from grown as g
left join names as n on n.client_id is not distinct from g.client_id
