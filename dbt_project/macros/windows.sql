{# SQL: whether a date is at or before the date that windows end at. #}
{% macro until_as_of(column='mart_date') -%}
    {{ "true" if var('as_of', none) is none else column ~ " <= date '" ~ var('as_of') ~ "'" }}
{%- endmacro %}

{# SQL: the date that windows end at: given, or the newest of a mart. Never today. #}
{% macro as_of(relation) -%}
    {%- if var('as_of', none) is none -%}
        (select max(mart_date) from {{ relation }})
    {%- else -%}
        date '{{ var('as_of') }}'
    {%- endif -%}
{%- endmacro %}

{# SQL: 0 is Monday 00:00 to 01:00 UTC, 167 is Sunday 23:00 to 24:00. #}
{% macro hour_of_week(timestamp) -%}
    cast((isodow({{ timestamp }}) - 1) * 24 + hour({{ timestamp }}) as integer)
{%- endmacro %}
