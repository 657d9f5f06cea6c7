with changes as (
    select cast(date_trunc('week', mart_date) as date) as week_start, * exclude (mart_date)
    from {{ ref('audit_user_scopes') }}
    where {{ in_mart_dates("cast(date_trunc('week', mart_date) as date)") }} and scope is not null
)
select
    c.week_start as mart_date,
    c.client_id,
    r.risk_class,
    last(c.app_name order by c.last_event_at, c.app_name) filter (c.app_name is not null) as app_name,
    count(distinct c.scope) as scopes,
    cast(coalesce(sum(c.events) filter (c.event_name = 'authorize'), 0) as bigint) as grants,
    cast(coalesce(sum(c.events) filter (c.event_name = 'revoke'), 0) as bigint) as revokes,
    count(distinct c.actor) filter (c.event_name = 'authorize') as users_granting
from changes as c
join {{ scope_risk('changes', ref('audit_scope_risk')) }} as r on r.scope = c.scope
group by c.week_start, c.client_id, r.risk_class
