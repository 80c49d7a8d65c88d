-- One row an event, under the names and in the types that the rest of the house uses.
select
    message as event_id,
    number as sequence,
    action as event,
    cast(occurred as timestamp) as time,
    cast(heard as timestamp) as received_at,
    contact as customer_id,
    campaign,
    variant as creative,
    segment as audience,
    system as platform,
    opted_in as consent,
    subject as subject_line,
    order_number as order_id,
    order_cents
from {{ source('platform', 'platform_events') }}
where contact is not null
