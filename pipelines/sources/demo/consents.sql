-- Synthetic. Each purpose keeps its share of the population; people who agree to one tend to agree to the others,
-- because six times in ten the same number decides; the young agree a little more often, where the age is known.
with purposes(purpose, share) as (
  values
    ('email_marketing', 0.78),
    ('sms', 0.35),
    ('ads_personalisation', 0.70),
    ('ads_user_data', 0.72),
    ('profiling', 0.85)
),
asked as (
  select
    customer_id,
    purpose,
    created_at,
    if(
      draw('consent is shared ' || purpose, customer_id) < 0.6,
      draw('consent', customer_id),
      draw('consent ' || purpose, customer_id)
    ) as reluctance,
    share
    + case
      when age in ('19-24', '25-34') then 0.06
      when age in ('55-64', '65+') then -0.08
      else 0
    end as likelihood
  from demo_household
  cross join purposes
),
answered as (
  select
    customer_id,
    purpose,
    reluctance < likelihood as granted,
    created_at as changed_at,
    pick(['store card', 'website', 'app'], 'consent source', customer_id) as source
  from asked
),
withdrawn as (
  select
    customer_id,
    purpose,
    false as granted,
    moment('withdrawn at', customer_id, changed_at) as changed_at,
    'preference centre' as source
  from answered
  where granted
    and draw('withdrawal', customer_id) < 0.03
    -- Half take back everything, the others what came by e-mail and on ads only.
    and (draw('withdrawal of all', customer_id) < 0.5 or purpose in ('email_marketing', 'ads_user_data'))
)
from answered
union all
from withdrawn
order by customer_id, purpose, changed_at
