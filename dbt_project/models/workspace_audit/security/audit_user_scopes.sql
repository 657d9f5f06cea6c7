-- An event that names several scopes is counted once for each; `_source_rows` counts it with the first of them only.
with events as (
    select *, case when len(scopes) > 0 then list_sort(list_distinct(scopes)) else [cast(null as varchar)] end as named_scopes
    from {{ ref('stg_audit_events') }}
    where {{ in_mart_dates() }} and application = 'token' and event_name <> 'activity'
),
named as (
    select *, unnest(named_scopes) as scope, generate_subscripts(named_scopes, 1) as place from events
)
select
    mart_date,
    actor,
    client_id,
    scope,
    event_name,
    {{ newest_name() }} as app_name,
    is_collector,
    count(*) as events,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) filter (place = 1) as _source_rows
from named
group by mart_date, actor, client_id, scope, event_name, is_collector
