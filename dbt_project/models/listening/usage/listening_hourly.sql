{{ listening_by_dimension(['mart_date', 'hour_start'], listening_measures()) }}
