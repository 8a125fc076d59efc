-- Synthetic: before one basket in eight, somebody looked at up to three of its products, and put some in the cart.
with lines as (
  select
    customer_id,
    order_id,
    line_no,
    product_id,
    ordered_at,
    row_number() over (partition by order_id order by draw('browse line', line_no)) as place
  from demo_line
  where draw('browse basket', order_id) < 0.125
),
views as (
  select
    *,
    ordered_at - to_seconds(floor(draw('browse time', line_no) * 3 * 86400)::bigint) as viewed_at
  from lines
  where place <= 3
)
select
  'view-' || line_no as event_id,
  customer_id,
  'device-' || customer_id as anonymous_id,
  'product_view' as event,
  product_id,
  '/product/' || product_id as page,
  viewed_at as occurred_at
from views
union all
select
  'cart-' || line_no,
  customer_id,
  'device-' || customer_id,
  'cart_add',
  product_id,
  '/cart',
  viewed_at + interval 2 minutes
from views
where draw('cart', line_no) < 0.35
order by occurred_at, event_id
