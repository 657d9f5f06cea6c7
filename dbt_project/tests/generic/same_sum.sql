{# A mart that tells of the same events by other dates has the same sum over all of them. #}
{% test same_sum(model, measure, of, of_measure=none) %}
    with totals as (
        select (select sum({{ measure }}) from {{ model }}) as total_here, (select sum({{ of_measure or measure }}) from {{ of }}) as total_there
    )
    select * from totals where coalesce(total_here, 0) <> coalesce(total_there, 0)
{% endtest %}
