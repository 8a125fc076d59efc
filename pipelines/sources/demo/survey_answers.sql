-- Synthetic: 40 % answer; who buys organic scores higher on sustainability, who buys at a discount on price.
with habits as (
  select
    customer_id,
    count(*) filter (where department = 'NUTRITION' or kind ilike '%organic%') / count(*) as organic,
    coalesce((sum(discount + coupon_discount) / nullif(sum(amount + discount + coupon_discount), 0))::double, 0) as discounted
  from demo_line
  group by customer_id
),
ranked as (
  select
    customer_id,
    percent_rank() over (order by organic) as organic,
    percent_rank() over (order by discounted) as discounted
  from habits
),
items(scale, item) as (
  values
    ('sustainability', 1),
    ('sustainability', 2),
    ('sustainability', 3),
    ('price', 1),
    ('price', 2),
    ('price', 3)
)
select
  ranked.customer_id,
  scale || '_' || item as question,
  (1 + floor(4.999 * (0.5 * if(scale = 'price', discounted, organic)
  + 0.5 * draw('answer ' || scale || item, ranked.customer_id)))::integer)::varchar as answer,
  moment('answered at', ranked.customer_id, household.created_at) as answered_at
from ranked
join demo_household as household
  using (customer_id)
cross join items
where draw('survey', ranked.customer_id) < 0.40
order by ranked.customer_id, question
