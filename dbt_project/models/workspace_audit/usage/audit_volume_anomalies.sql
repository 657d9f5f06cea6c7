-- Every hour that was read without gaps counts, those without events too: silence is a volume. What no hour before tells of is not judged.
with covered_hours as (
    select c.application, h.hour_start, cast(h.hour_start as date) as mart_date
    from {{ source('workspace_audit', 'coverage') }} as c,
        unnest(generate_series(date_trunc('hour', cast(c.start as timestamp)), cast(c."end" as timestamp), interval 1 hour)) as h(hour_start)
    where h.hour_start >= cast(c.start as timestamp) and h.hour_start + interval 1 hour <= cast(c."end" as timestamp)
),
hours as (
    select mart_date, hour_start, application, {{ hour_of_week('hour_start') }} as hour_of_week, hour(hour_start) as hour_of_day, includes_collector
    from covered_hours, (values (true), (false)) as scopes(includes_collector)
    where {{ in_mart_dates(before=baseline_days()) }}
),
volumes as (
    select
        mart_date,
        hour_start,
        application,
        includes_collector,
        cast(sum(events) as bigint) as events,
        cast(sum(calls) as bigint) as calls,
        cast(sum(bytes) as bigint) as bytes
    from {{ with_and_without_collector(ref('audit_hourly_activity'), in_mart_dates(before=baseline_days())) }}
    group by all
),
measured as (
    select h.*, 'events' as measure, coalesce(v.events, 0) as volume
    from hours as h left join volumes as v using (hour_start, application, includes_collector)
    union all
    select h.*, 'calls' as measure, coalesce(v.calls, 0) as volume
    from hours as h left join volumes as v using (hour_start, application, includes_collector)
    where h.application = 'token'
    union all
    -- An hour whose calls tell no size has an unknown volume of bytes; an hour without calls has none.
    select h.*, 'bytes' as measure, case when coalesce(v.calls, 0) = 0 then 0 else v.bytes end as volume
    from hours as h left join volumes as v using (hour_start, application, includes_collector)
    where h.application = 'token'
),
baselines as (
    select
        *,
        count(volume) over same_hour_of_week as week_samples,
        median(volume) over same_hour_of_week as week_median,
        mad(cast(volume as double)) over same_hour_of_week as week_mad,
        count(volume) over same_hour_of_day as day_samples,
        median(volume) over same_hour_of_day as day_median,
        mad(cast(volume as double)) over same_hour_of_day as day_mad
    from measured
    window
        same_hour_of_week as (
            partition by application, includes_collector, measure, hour_of_week order by mart_date
            range between interval {{ baseline_days() }} days preceding and interval 1 day preceding
        ),
        same_hour_of_day as (
            partition by application, includes_collector, measure, hour_of_day order by mart_date
            range between interval {{ baseline_days() }} days preceding and interval 1 day preceding
        )
),
chosen as (
    select
        *,
        case when week_samples >= 4 then 'hour_of_week' when day_samples >= 4 then 'hour_of_day' end as baseline,
        cast(case when week_samples >= 4 then week_samples when day_samples >= 4 then day_samples else 0 end as integer) as samples,
        cast(case when week_samples >= 4 then week_median when day_samples >= 4 then day_median end as double) as baseline_median,
        cast(case when week_samples >= 4 then week_mad when day_samples >= 4 then day_mad end as double) as baseline_mad
    from baselines
    where {{ in_mart_dates() }}
),
scored as (
    -- 1.4826 makes a median absolute deviation comparable with a standard deviation. A series that never moved would call every wobble an
    -- anomaly, so the yardstick is at least a tenth of the median, and at least 1.
    select *, (volume - baseline_median) / greatest(1.4826 * baseline_mad, 0.1 * baseline_median, 1) as robust_z
    from chosen
)
select
    mart_date, hour_start, includes_collector, application, measure, cast(volume as bigint) as volume, hour_of_week, baseline, samples,
    baseline_median, baseline_mad, cast(robust_z as double) as robust_z,
    coalesce(abs(robust_z) >= {{ anomaly_threshold() }}, false) as is_anomaly
from scored
