select
    mart_date,
    cast(sum(events) as bigint) as events,
    min(within_seconds) filter (share_so_far >= 0.5) as p50_seconds,
    min(within_seconds) filter (share_so_far >= 0.95) as p95_seconds,
    min(within_seconds) filter (share_so_far >= 0.99) as p99_seconds,
    min(within_seconds) filter (share_so_far >= 0.999) as p999_seconds,
    max(within_seconds) as max_seconds
from {{ ref('audit_lateness') }}
where {{ in_mart_dates() }}
group by mart_date
