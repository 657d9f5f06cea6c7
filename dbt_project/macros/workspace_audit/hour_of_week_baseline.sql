{# SQL: what is normal per hour of week for each value of a column, over the days before the date that windows end at. Hours without events count as 0. #}
{% macro hour_of_week_baseline(relation, column) -%}
with hours as (
    select
        {{ column }},
        includes_collector,
        hour_start,
        {{ hour_of_week('hour_start') }} as hour_of_week,
        cast(sum(events) as bigint) as events
    from {{ with_and_without_collector(relation, until_as_of() ~ ' and ' ~ column ~ ' is not null') }}
    where mart_date > {{ as_of(relation) }} - {{ baseline_days() }}
    group by all
),
known as (
    select {{ column }}, includes_collector, min(hour_start) as known_from from hours group by all
),
weeks as (
    select
        h.{{ column }},
        h.includes_collector,
        h.hour_of_week,
        -- How often this hour of the week came round since it was first met.
        cast(
            date_diff('day', date_trunc('week', k.known_from), date_trunc('week', cast({{ as_of(relation) }} as timestamp))) / 7 + 1
            - cast({{ hour_of_week('k.known_from') }} > h.hour_of_week as integer)
            - cast((isodow({{ as_of(relation) }}) - 1) < h.hour_of_week // 24 as integer) as integer
        ) as weeks,
        list(h.events) as volumes
    from hours as h
    join known as k on k.{{ column }} = h.{{ column }} and k.includes_collector = h.includes_collector
    group by h.{{ column }}, h.includes_collector, h.hour_of_week, k.known_from
)
select
    {{ column }},
    includes_collector,
    hour_of_week,
    weeks,
    cast(len(volumes) as integer) as active_weeks,
    len(volumes) / weeks as active_share,
    list_sum(volumes) / weeks as mean_events,
    cast(list_median(list_resize(volumes, weeks, 0)) as double) as median_events,
    list_max(volumes) as max_events
from weeks
{%- endmacro %}
