{{ top_users("cast(date_trunc('month', mart_date) as date)", in_mart_dates("cast(date_trunc('month', mart_date) as date)")) }}
