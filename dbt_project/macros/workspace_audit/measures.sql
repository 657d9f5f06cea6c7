{# SQL: the measures of API calls. Bytes of calls that tell none are unknown: they are left out of the sum, and a sum of none is null, not 0. #}
{% macro call_measures() -%}
    count(*) filter (is_call) as calls,
    cast(sum(num_response_bytes) filter (is_call) as bigint) as bytes,
    count(num_response_bytes) filter (is_call) as calls_with_bytes
{%- endmacro %}

{# SQL: the same from a mart that has them. #}
{% macro sum_call_measures() -%}
    cast(sum(calls) as bigint) as calls,
    cast(sum(bytes) as bigint) as bytes,
    cast(sum(calls_with_bytes) as bigint) as calls_with_bytes
{%- endmacro %}

{# SQL: the name that a client showed last. #}
{% macro newest_name(name='app_name', time='event_at') -%}
    last({{ name }} order by {{ time }}, {{ name }}) filter ({{ name }} is not null)
{%- endmacro %}
