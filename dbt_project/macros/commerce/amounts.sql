{# SQL: a sum of amounts. Where there are no such rows it is 0; where there are and none tells an amount, it is null. #}
{% macro sum_of_known(amount, where='true') -%}
    cast(case when count(*) filter ({{ where }}) = 0 then 0 else sum({{ amount }}) filter ({{ where }}) end as decimal(38, 3))
{%- endmacro %}
