-- The events in the shape of the contract email_events: what the stream of that name is loaded from.
select
    event_id,
    sequence,
    event,
    time,
    received_at,
    customer_id,
    campaign,
    creative,
    audience,
    platform,
    consent,
    subject_line,
    order_id,
    cast(order_cents / 100.0 as decimal(18, 2)) as order_value
from {{ ref('stg_platform_events') }}
