{# SQL: 0 is Monday 00:00 to 01:00 UTC, 167 is Sunday 23:00 to 24:00. #}
{% macro hour_of_week(timestamp) -%}
    cast((isodow({{ timestamp }}) - 1) * 24 + hour({{ timestamp }}) as integer)
{%- endmacro %}
