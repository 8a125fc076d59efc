-- Synthetic: a household in sixteen opened a ticket in 2017; two thirds are closed within ten days, the rest are open.
with opened as (
  select
    customer_id,
    moment('ticket opened', customer_id, created_at) as opened_at
  from demo_household
  where draw('ticket', customer_id) < 0.0625
)
select
  'ticket-' || customer_id as ticket_id,
  customer_id,
  pick(['complaint', 'question', 'return'], 'ticket category', customer_id) as category,
  'invented' as subject,
  pick(['low', 'normal', 'high'], 'ticket priority', customer_id) as priority,
  opened_at,
  if(
    draw('ticket closed', customer_id) < 0.67,
    opened_at + to_seconds(floor(draw('ticket time', customer_id) * 10 * 86400)::bigint),
    null
  ) as closed_at
from opened
order by opened_at
