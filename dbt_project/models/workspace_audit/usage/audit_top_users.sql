{{ top_users('mart_date', in_mart_dates()) }}
