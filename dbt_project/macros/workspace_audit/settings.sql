{# What is normal is told by so many days before. #}
{% macro baseline_days() -%}56{%- endmacro %}

{# The robust z-score from which an hour stands out: the cut-off of Iglewicz and Hoaglin, 1993. #}
{% macro anomaly_threshold() -%}3.5{%- endmacro %}

{# Logins of one user that follow each other within so many minutes belong together. #}
{% macro burst_gap_minutes() -%}5{%- endmacro %}

{# From so many logins on that belong together they are a burst. #}
{% macro burst_logins() -%}5{%- endmacro %}
