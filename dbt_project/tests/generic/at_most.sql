{# Groups of rows whose sum is more than what all rows of the group name as the most; null is no bound. #}
{% test at_most(model, columns, measure, most) %}
    select {{ columns | join(', ') }}, sum({{ measure }}) as total, max({{ most }}) as most
    from {{ model }}
    group by {{ columns | join(', ') }}
    having sum({{ measure }}) > max({{ most }})
{% endtest %}
