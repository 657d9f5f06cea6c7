{# Rows that share the values of the columns that make up the grain of a mart (nulls are equal to each other). #}
{% test unique_grain(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as copies
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
