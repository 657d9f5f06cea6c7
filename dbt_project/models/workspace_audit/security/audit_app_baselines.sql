{{ hour_of_week_baseline(ref('audit_app_hours'), 'client_id') }}
