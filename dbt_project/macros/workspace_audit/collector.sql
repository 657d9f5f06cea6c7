{# SQL: whether an event is the collector's own. The log of a Workspace holds the calls by which it is read; without this switch the collector is the top user. #}
{% macro is_collector(client_id='client_id') -%}
    {%- set id = var('collector_client_id', none) -%}
    {{ "false" if id is none else "coalesce(" ~ client_id ~ " = " ~ dbt.string_literal(dbt.escape_single_quotes(id)) ~ ", false)" }}
{%- endmacro %}

{# SQL: the rows of a relation twice: with the collector's own (`includes_collector` true) and without them. #}
{% macro with_and_without_collector(relation, where='true') -%}
    (
        select true as includes_collector, * from {{ relation }} where {{ where }}
        union all
        select false as includes_collector, * from {{ relation }} where {{ where }} and not is_collector
    )
{%- endmacro %}
