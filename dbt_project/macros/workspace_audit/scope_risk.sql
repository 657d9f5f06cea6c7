{# SQL: scopes of a relation with their risk class: the rule that names the scope, else the longest rule that begins it, else `unknown`. #}
{% macro scope_risk(relation, rules) -%}
    (
        select
            s.scope,
            coalesce(arg_max(r.risk_class, len(r.scope) + case when r.rule = 'exact' then 100000 else 0 end), 'unknown') as risk_class,
            coalesce(arg_max(r.risk, len(r.scope) + case when r.rule = 'exact' then 100000 else 0 end), {{ unknown_risk() }}) as risk
        from (select distinct scope from {{ relation }} where scope is not null) as s
        left join {{ rules }} as r
            on (r.rule = 'exact' and s.scope = r.scope) or (r.rule = 'prefix' and starts_with(s.scope, r.scope))
        group by s.scope
    )
{%- endmacro %}

{# A scope that no rule knows is watched like a medium one. #}
{% macro unknown_risk() -%} 2 {%- endmacro %}
