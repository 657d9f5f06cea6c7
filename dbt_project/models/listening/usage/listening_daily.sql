{{ listening_by_dimension(['mart_date'], listening_measures() ~ ', coalesce(list_sort(list(distinct user_id) filter (user_id is not null)), []) as _user_ids') }}
