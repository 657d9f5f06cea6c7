{# The days after its first step within which a shipment is over. What is told of it later begins a shipment anew after as many days without a step. #}
{% macro shipment_days() -%}30{%- endmacro %}

{# The steps of a shipment in the order in which they should be. #}
{% macro shipment_statuses() %}{{ return(['created', 'approved', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered']) }}{% endmacro %}

{# SQL: the names of the pairs of steps that stand the wrong way round, such as approved_after_picked_up. #}
{% macro step_anomalies() -%}
    {%- set statuses = shipment_statuses() -%}
    list_filter([
    {%- for first in statuses %}{% for second in statuses[loop.index:] %}
        case when {{ first }}_at > {{ second }}_at then '{{ first }}_after_{{ second }}' end{{ ',' if not (loop.last and first == statuses[-2]) }}
    {%- endfor %}{% endfor %}
    ], lambda kind: kind is not null)
{%- endmacro %}

{# SQL: how shipments came out, by both rules of lateness. Only those that were delivered and had been promised are judged. #}
{% macro shipment_measures() -%}
    count(*) as shipments,
    count(delivered_at) as delivered,
    count(is_late_by_timestamp) as judged,
    count(*) filter (is_late_by_timestamp) as late_by_timestamp,
    count(*) filter (is_late_by_day) as late_by_day,
    count(*) filter (not is_late_by_timestamp) / nullif(count(is_late_by_timestamp), 0) as on_time_rate_by_timestamp,
    count(*) filter (not is_late_by_day) / nullif(count(is_late_by_day), 0) as on_time_rate_by_day,
    cast(coalesce(sum(seconds_to_deliver), 0) as bigint) as seconds_to_deliver,
    sum(seconds_to_deliver) / 86400 / nullif(count(seconds_to_deliver), 0) as mean_days_to_deliver
{%- endmacro %}
