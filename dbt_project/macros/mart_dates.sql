{# The dates of the model that is being built, as [first, last] pairs; none means every date. #}
{% macro mart_date_ranges() %}
    {% set given = var('mart_dates', none) %}
    {{ return(none if given is none else given.get(model.name, [])) }}
{% endmacro %}

{# SQL: whether a date is one that this run builds. `before` and `after` widen each range by days, for marts that look at their neighbours. #}
{% macro in_mart_dates(column='mart_date', before=0, after=0) -%}
    {%- set ranges = mart_date_ranges() -%}
    {%- if ranges is none -%}
        true
    {%- elif not ranges -%}
        false
    {%- else -%}
        (
        {%- for first, last in ranges -%}
            {{ column }} between date '{{ first }}' - {{ before }} and date '{{ last }}' + {{ after }}{{ ' or ' if not loop.last }}
        {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}

{# The incremental strategy: what the run builds anew is deleted by its dates, not by the keys that came out, so that a day that shrank to nothing is gone. #}
{% macro get_incremental_mart_dates_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }} where {{ in_mart_dates('mart_date') }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}
