{{ most_frequent_method(ref('audit_method_calls'), ['mart_date', 'hour_start', 'includes_collector']) }}
