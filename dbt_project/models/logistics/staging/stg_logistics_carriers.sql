{{ config(materialized='view', schema='staging', contract={'enforced': false}, persist_docs={'relation': false, 'columns': false}) }}
-- As they were over time; times are UTC without a zone.
select * replace (cast(valid_from as timestamp) as valid_from, cast(valid_to as timestamp) as valid_to)
from {{ source('logistics', 'carriers') }}
