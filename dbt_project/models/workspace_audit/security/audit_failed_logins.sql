with logins as (
    select
        mart_date,
        actor,
        cast(sum(events) filter (event_name = 'login_failure') as bigint) as failures,
        cast(coalesce(sum(events) filter (event_name = 'login_success'), 0) as bigint) as successes,
        list_sort(list(distinct login_failure_type) filter (event_name = 'login_failure' and login_failure_type is not null)) as failure_types,
        list_sort(list(distinct region_code) filter (event_name = 'login_failure' and region_code is not null)) as regions,
        min(first_event_at) filter (event_name = 'login_failure') as first_failure_at,
        max(last_event_at) filter (event_name = 'login_failure') as last_failure_at,
        max(last_event_at) filter (event_name = 'login_success') as last_success_at
    from {{ ref('audit_login_activity') }}
    where {{ in_mart_dates() }}
    group by mart_date, actor
)
select
    mart_date, actor, failures, successes, failures / (failures + successes) as failure_share,
    coalesce(failure_types, []) as failure_types, coalesce(regions, []) as regions, first_failure_at, last_failure_at,
    coalesce(last_success_at > first_failure_at, false) as succeeded_after_failure
from logins
where failures > 0
