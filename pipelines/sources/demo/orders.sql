select
  order_id,
  any_value(customer_id) as customer_id,
  min(ordered_at) as ordered_at,
  sum(amount) as total,
  any_value(store_id) as store_id
from demo_line
group by order_id
order by min(ordered_at), order_id::bigint
