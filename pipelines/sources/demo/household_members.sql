-- Synthetic: the package has one number a household, so everybody lives alone here, but for a pair in twenty.
select
  'home-' || if(
    draw('pair', home.place_in_line - home.place_in_line % 2) < 0.05,
    home.place_in_line - home.place_in_line % 2,
    home.place_in_line
  ) as household_id,
  customer_id
from (
  select
    customer_id,
    row_number() over (order by customer_id) as place_in_line
  from demo_household
) as home
order by customer_id
