{# SQL: the users at the top of a period by events, by calls and by bytes. `period`: SQL of the period's first date from mart_date. #}
{% macro top_users(period, where) -%}
with totals as (
    select
        {{ period }} as mart_date,
        includes_collector,
        actor,
        cast(sum(events) as bigint) as events,
        {{ sum_call_measures() }},
        count(distinct mart_date) as active_days,
        count(distinct hour_start) as active_hours
    from {{ with_and_without_collector(ref('audit_user_hours'), where ~ ' and actor is not null') }}
    group by 1, 2, 3
),
ranked as (
    select
        *,
        {{ place_by('events', 'mart_date, includes_collector', 'actor') }} as rank_by_events,
        {{ place_by('nullif(calls, 0)', 'mart_date, includes_collector', 'actor') }} as rank_by_calls,
        {{ place_by('bytes', 'mart_date, includes_collector', 'actor') }} as rank_by_bytes
    from totals
)
select
    mart_date, includes_collector, actor, events, calls, bytes, calls_with_bytes, active_days, active_hours,
    rank_by_events, rank_by_calls, rank_by_bytes
from ranked
where least(rank_by_events, rank_by_calls, rank_by_bytes) <= {{ var('top') }}
{%- endmacro %}
