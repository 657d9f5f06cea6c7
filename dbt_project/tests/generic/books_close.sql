{#
    The rows of clean that a mart accounts for, plus those that its predicate leaves out, are the rows kept in the clean versions it was built from.
    Days that this run did not build are compared as a whole only where the mart leaves nothing out: what it left out then is not in clean any more.
#}
{% test books_close(model, clean, built_days, predicate='true') %}
    with excluded as (
        select event_date as day, count(*) as rows_excluded
        from {{ clean }}
        where not coalesce({{ predicate }}, false) and event_date in (select day from {{ built_days }} where rebuilt)
        group by event_date
    ),
    accounted as (
        select mart_date as day, sum(_source_rows) as source_rows from {{ model }} group by mart_date
    )
    select
        coalesce(d.day, a.day) as day,
        coalesce(a.source_rows, 0) as source_rows,
        coalesce(e.rows_excluded, 0) as rows_excluded,
        d.kept
    from {{ built_days }} as d
    full join accounted as a on a.day = d.day
    left join excluded as e on e.day = d.day
    where {{ "true" if predicate == 'true' else "coalesce(d.rebuilt, true)" }}
        and coalesce(a.source_rows, 0) + coalesce(e.rows_excluded, 0) is distinct from d.kept
{% endtest %}
