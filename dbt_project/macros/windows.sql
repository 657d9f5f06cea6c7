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
