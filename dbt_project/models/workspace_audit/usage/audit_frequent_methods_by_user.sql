{{ most_frequent_method(ref('audit_user_methods'), ['mart_date', 'actor', 'includes_collector']) }}
