{{ hour_of_week_baseline(ref('audit_user_hours'), 'actor') }}
