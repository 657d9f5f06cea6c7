{# SQL: whether an event opens a Drive document to somebody outside: Google says so, or the one it is shared with is of another domain. #}
{% macro is_shared_outside() -%}
    (
        application = 'drive'
        and (
            coalesce(visibility_change = 'external', false)
            or (event_type = 'acl_change' and coalesce(target_email_domain <> owner_domain, false))
        )
    )
{%- endmacro %}

{# SQL: whether a visibility needs no account to see the document. #}
{% macro is_public(visibility) -%}
    coalesce({{ visibility }} in ('people_with_link', 'public_on_the_web'), false)
{%- endmacro %}
