-- Synthetic: 4 % of households are a contact of a firm.
select
  'account-' || lpad((1 + floor(draw('account', customer_id) * 180)::integer)::varchar, 3, '0') as account_id,
  customer_id,
  pick(['owner', 'office manager', 'buyer'], 'role', customer_id) as role
from demo_household
where draw('account member', customer_id) < 0.04
order by customer_id
