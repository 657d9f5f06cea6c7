with days as (
    select distinct mart_date, shipment_id
    from {{ ref('logistics_shipment_steps') }}
    where {{ in_mart_dates(before=shipment_days(), after=shipment_days()) }}
),
begun as (
    select mart_date as begun_on, shipment_id
    from (select *, lag(mart_date) over (partition by shipment_id order by mart_date) as before from days)
    where coalesce(mart_date - before > {{ shipment_days() }}, true) and {{ in_mart_dates() }}
),
steps as (
    select b.begun_on, s.*
    from {{ ref('logistics_shipment_steps') }} as s
    join begun as b on b.shipment_id = s.shipment_id and s.mart_date between b.begun_on and b.begun_on + {{ shipment_days() }}
    where {{ in_mart_dates('s.mart_date', after=shipment_days()) }}
),
told as (
    select
        begun_on as mart_date,
        shipment_id,
        arg_min(feed, (first_at, status)) as feed,
        min(first_at) as begun_at,
        {%- for status in shipment_statuses() %}
        min(first_at) filter (status = '{{ status }}') as {{ status }}_at,
        {%- endfor %}
        min(first_at) filter (status = 'exception') as exception_at,
        list_sort(flatten(list(exception_codes))) as exception_codes,
        max(promised_at) as promised_at,
        arg_max(order_status, telling) as order_status,
        arg_max(status, (last_at, status)) as last_status,
        cast(sum(events) as bigint) as events,
        arg_min(carrier_code, (first_at, status)) as carrier_code,
        arg_min(lane_id, (first_at, status)) as lane_id,
        arg_min(origin_facility_id, (first_at, status)) as origin_facility_id,
        arg_min(destination_facility_id, (first_at, status)) as destination_facility_id,
        list(status order by first_at, status) filter (first_ingested_at is not null)
        <> list(status order by first_ingested_at, status) filter (first_ingested_at is not null) as came_out_of_order
    from steps
    group by begun_on, shipment_id
)
select
    t.mart_date,
    t.shipment_id,
    t.feed,
    t.begun_at,
    {%- for status in shipment_statuses() %}
    t.{{ status }}_at,
    {%- endfor %}
    t.exception_at,
    t.exception_codes,
    t.promised_at,
    t.order_status,
    t.last_status,
    coalesce(t.order_status, case when t.delivered_at is not null then 'delivered' else t.last_status end) as status,
    t.events,
    t.delivered_at > t.promised_at as is_late_by_timestamp,
    cast(t.delivered_at as date) > cast(t.promised_at as date) as is_late_by_day,
    date_diff('second', t.created_at, t.delivered_at) as seconds_to_deliver,
    {{ step_anomalies() }} as step_anomalies,
    coalesce(t.came_out_of_order, false) as came_out_of_order,
    t.carrier_code,
    c.name as carrier_name,
    c.tier as carrier_tier,
    t.lane_id,
    l.distance_km as lane_distance_km,
    l.promised_days as lane_promised_days,
    t.origin_facility_id,
    o.name as origin_name,
    o.region as origin_region,
    t.destination_facility_id,
    d.name as destination_name,
    d.region as destination_region
from told as t
asof left join {{ ref('stg_logistics_carriers') }} as c on t.carrier_code = c.carrier_code and t.begun_at >= c.valid_from
asof left join {{ ref('stg_logistics_lanes') }} as l on t.lane_id = l.lane_id and t.begun_at >= l.valid_from
asof left join {{ ref('stg_logistics_facilities') }} as o on t.origin_facility_id = o.facility_id and t.begun_at >= o.valid_from
asof left join {{ ref('stg_logistics_facilities') }} as d
    on t.destination_facility_id = d.facility_id and coalesce(t.delivered_at, t.begun_at) >= d.valid_from
