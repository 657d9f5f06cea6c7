select
    tenant,
    feed,
    currency,
    link,
    cast(sum(lines) as bigint) as lines,
    cast(sum(amount) as decimal(38, 3)) as amount,
    cast(sum(lines) / sum(sum(lines)) over (partition by tenant, feed, currency) as double) as share
from {{ ref('commerce_cancellations') }}
group by tenant, feed, currency, link
