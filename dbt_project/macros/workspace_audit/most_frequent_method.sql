{# SQL: the method called most often within the given columns; of methods with equal calls the first by name, and how many there are. #}
{% macro most_frequent_method(relation, columns) -%}
with calls as (
    select {{ columns | join(', ') }}, api_name, method_name, cast(sum(calls) as bigint) as calls
    from {{ with_and_without_collector(relation, in_mart_dates() ~ ' and method_name is not null') }}
    group by all
),
ranked as (
    select
        *,
        row_number() over (partition by {{ columns | join(', ') }} order by calls desc, method_name, api_name) as place,
        cast(sum(calls) over (partition by {{ columns | join(', ') }}) as bigint) as all_calls,
        count(*) over (partition by {{ columns | join(', ') }}, calls) as methods_with_so_many,
        count(*) over (partition by {{ columns | join(', ') }}) as methods
    from calls
)
select {{ columns | join(', ') }}, api_name, method_name, calls, all_calls, calls / all_calls as share, methods, methods_with_so_many
from ranked
where place = 1
{%- endmacro %}
