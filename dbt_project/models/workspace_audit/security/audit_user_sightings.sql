-- The network is the autonomous system where the log tells it, else the /24 (IPv4) or /48 (IPv6) of the address.
with events as (
    select *, regexp_extract(ip_address, '^(\d+\.\d+\.\d+)\.\d+$', 1) as ipv4_prefix
    from {{ ref('stg_audit_events') }}
    where {{ in_mart_dates() }} and actor is not null
),
seen as (
    select mart_date, actor, 'region' as kind, region_code as seen_value, event_at from events where region_code is not null
    union all
    select mart_date, actor, 'client' as kind, client_id as seen_value, event_at from events where client_id is not null
    union all
    select mart_date, actor, 'network' as kind, 'AS' || unnest(list_distinct(ip_asn)) as seen_value, event_at from events where len(ip_asn) > 0
    union all
    select
        mart_date,
        actor,
        'network' as kind,
        case when ipv4_prefix <> '' then ipv4_prefix || '.0/24' else array_to_string(string_split(ip_address, ':')[1:3], ':') || '::/48' end as seen_value,
        event_at
    from events
    where ip_address is not null and coalesce(len(ip_asn), 0) = 0
)
select mart_date, actor, kind, seen_value, count(*) as events, min(event_at) as first_event_at, max(event_at) as last_event_at
from seen
group by all
