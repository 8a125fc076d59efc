-- Synthetic: one interest for a household in ten, as a social network might guess it.
select
  customer_id,
  'interest' as trait,
  pick(['cooking', 'gardening', 'sports', 'travel'], 'interest', customer_id) as value,
  'social network' as source,
  round(0.5 + draw('confidence', customer_id) / 2, 2) as confidence,
  moment('observed', customer_id, created_at) as observed_at
from demo_household
where draw('social', customer_id) < 0.10
order by customer_id
