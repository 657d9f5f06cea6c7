{# A mart that cuts up another one in its own way has the same sum, day by day. #}
{% test same_total(model, measure, of, of_measure=none, where='true') %}
    with here as (
        select mart_date, sum({{ measure }}) as total from {{ model }} where {{ where }} group by mart_date
    ),
    there as (
        select mart_date, sum({{ of_measure or measure }}) as total from {{ of }} group by mart_date
    )
    select coalesce(here.mart_date, there.mart_date) as mart_date, here.total as total_here, there.total as total_there
    from here full join there on here.mart_date = there.mart_date
    where coalesce(here.total, 0) <> coalesce(there.total, 0)
{% endtest %}
