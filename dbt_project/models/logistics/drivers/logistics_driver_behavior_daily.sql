{% set measures = ['positions', 'harsh_brakes', 'positions_above_100'] -%}
with days as (
    select * from {{ ref('logistics_driver_days') }} where {{ in_mart_dates(before=27) }}
),
features as (
    select
        mart_date,
        driver_id,
        mart_date + interval 26 hour as known_at,
        {%- for days in [1, 7, 28] %}
        {%- for measure in measures %}
        cast(sum({{ measure }}) over last_{{ days }} as bigint) as {{ measure }}_{{ days }}d,
        {%- endfor %}
        max(top_speed_kmh) over last_{{ days }} as top_speed_kmh_{{ days }}d,
        sum(cast(sum_of_speeds_kmh as decimal(28, 6))) over last_{{ days }} / nullif(sum(speeds) over last_{{ days }}, 0) as mean_speed_kmh_{{ days }}d,
        cast(sum(cast(distance_km as decimal(28, 6))) over last_{{ days }} as double) as distance_km_{{ days }}d,
        count(*) over last_{{ days }} as active_days_{{ days }}d{{ ',' if not loop.last }}
        {%- endfor %}
    from days
    window
        {%- for days in [1, 7, 28] %}
        last_{{ days }} as (partition by driver_id order by mart_date range between interval {{ days - 1 }} day preceding and current row){{ ',' if not loop.last }}
        {%- endfor %}
)
select * from features where {{ in_mart_dates() }}
