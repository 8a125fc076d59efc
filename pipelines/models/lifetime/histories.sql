-- One row a customer: repeat purchases, and when they were made. Purchases of one day count as one.
with shopping_days as (
  select
    person_no,
    ordered_at::date as day,
    sum(total) as spent
  from {orders} as orders
  where ordered_at::date <= $last_day
  group by person_no, day
),
numbered as (
  select
    *,
    min(day) over (partition by person_no) as first_day
  from shopping_days
)
select
  person_no,
  (count(*) - 1)::double as frequency,
  (max(day) - min(day)) / $days_per_unit as recency,
  ($last_day - min(day)) / $days_per_unit as age,
  -- Money is added up as decimals, whose sum does not depend on the order of rows.
  coalesce((sum(spent) filter (day > first_day))::double / nullif(count(*) - 1, 0), 0) as monetary
from numbered
group by person_no
order by person_no
