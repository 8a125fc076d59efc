-- Fuel is counted in small units (up to 89,638 for one line): its quantity is no number of pieces, so it is null.
select
  order_id,
  line_no,
  product_id,
  if(category in ('FUEL', 'COUPON/MISC ITEMS') or kind like 'GASOLINE%', null, quantity) as quantity,
  amount,
  discount,
  coupon_discount
from demo_line
order by line_no
