{# SQL: place in a ranking, from 1; ties fall by the given columns; a measure that is null has no place. #}
{% macro place_by(measure, partition, ties) -%}
    cast(case when {{ measure }} is not null then row_number() over (partition by {{ partition }} order by {{ measure }} desc nulls last, {{ ties }}) end as integer)
{%- endmacro %}
