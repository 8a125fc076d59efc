-- What was in the baskets of the last 90 days, and of the 90 days before them.
with window_orders as (
  select
    order_id,
    person_no,
    total
  from orders
  where ordered_at < $window_end
    and ordered_at >= $window_end - interval 90 days
),
traits as (
  select
    product_id,
    bool_or(group_name = 'organic') as organic,
    bool_or(group_name = 'fresh') as fresh,
    bool_or(group_name = 'convenience') as convenience,
    bool_or(group_name = 'wine') as wine,
    bool_or(group_name = 'baby') as baby,
    bool_or(group_name = 'pet') as pet,
    bool_or(group_name = 'coffee') as coffee,
    bool_or(group_name = 'fuel') as fuel,
    bool_or(group_name = 'sensitive') as sensitive
  from product_groups
  group by product_id
),
bought as (
  select
    orders.person_no,
    orders.order_id,
    lines.amount,
    coalesce(lines.discount, 0) + coalesce(lines.coupon_discount, 0) as discount,
    coalesce(lines.coupon_discount, 0) > 0 as coupon,
    products.category,
    products.private_label,
    traits.* exclude (product_id)
  from window_orders as orders
  join order_lines as lines
    using (order_id)
  left join products
    using (product_id)
  left join traits
    using (product_id)
),
baskets as (
  select
    person_no,
    order_id,
    bool_or(organic) as organic,
    bool_or(fresh) as fresh,
    bool_or(convenience) as convenience,
    bool_or(wine) as wine,
    bool_or(baby) as baby,
    bool_or(pet) as pet,
    bool_or(coffee) as coffee,
    bool_or(coupon) as coupon,
    sum(amount) filter (fuel) as fuel_amount,
    sum(amount) as amount,
    sum(discount) as discount,
    sum(amount) filter (private_label) as private_label_amount
  from bought
  group by person_no, order_id
),
category_spend as (
  select
    person_no,
    category,
    row_number() over (partition by person_no order by sum(amount) desc, category) as place
  from bought
  where category is not null
    and not coalesce(sensitive or wine or fuel, false)
  group by person_no, category
),
favourites as (
  select
    person_no,
    max(category) filter (place = 1) as first_category,
    max(category) filter (place = 2) as second_category
  from category_spend
  where place <= 2
  group by person_no
),
totals as (
  select
    person_no,
    count(*) as orders,
    count(*) filter (organic) as organic,
    count(*) filter (fresh) as fresh,
    count(*) filter (convenience) as convenience,
    count(*) filter (wine) as wine,
    count(*) filter (baby) as baby,
    count(*) filter (pet) as pet,
    count(*) filter (coffee) as coffee,
    count(*) filter (coupon) as coupon,
    coalesce(sum(fuel_amount), 0) as fuel_amount,
    sum(amount) as amount,
    sum(discount) as discount,
    coalesce(sum(private_label_amount), 0) as private_label_amount
  from baskets
  group by person_no
),
prior_wine as (
  select
    orders.person_no,
    count(distinct orders.order_id) as orders
  from orders
  join order_lines as lines
    using (order_id)
  join traits
    using (product_id)
  where orders.ordered_at < $window_end - interval 90 days
    and orders.ordered_at >= $window_end - interval 180 days
    and traits.wine
  group by orders.person_no
)
select
  people.person_no,
  coalesce(totals.organic, 0)::integer as organic_orders_90d, -- Orders with something organic or from the natural-food department, last 90 days.
  (totals.organic / totals.orders)::double as organic_share_90d, -- The same as a share of orders; null without orders.
  (totals.fresh / totals.orders)::double as fresh_share_90d, -- Share of orders with fresh produce, meat, fish or salad, last 90 days; null without orders.
  (totals.convenience / totals.orders)::double as convenience_share_90d, -- Share of orders with frozen or prepared food, last 90 days; null without orders.
  coalesce(totals.wine, 0)::integer as wine_orders_90d, -- Orders with wine, last 90 days. Sensitive: alcohol.
  coalesce(prior_wine.orders, 0)::integer as wine_orders_prior_90d, -- Orders with wine in the 90 days before the last 90. Sensitive: alcohol.
  coalesce(totals.baby, 0)::integer as baby_orders_90d, -- Orders with baby food, formula, infant care or nappies, last 90 days.
  coalesce(totals.pet, 0)::integer as pet_orders_90d, -- Orders with pet food or pet care, last 90 days.
  coalesce(totals.coffee, 0)::integer as coffee_orders_90d, -- Orders with coffee, last 90 days.
  coalesce(totals.coupon, 0)::integer as coupon_orders_90d, -- Orders in which a coupon lowered a price, last 90 days.
  (totals.fuel_amount / nullif(totals.amount, 0))::double as fuel_share_90d, -- Share of spend on fuel, last 90 days; null without spend.
  (totals.private_label_amount / nullif(totals.amount, 0))::double as private_label_share_90d, -- Share of spend on the shop's own brand, last 90 days; null without spend.
  (totals.discount / nullif(totals.amount + totals.discount, 0))::double as discount_share_90d, -- Discounts as a share of the undiscounted price, last 90 days; null without spend.
  favourites.first_category as top_category_90d, -- Category with most spend in the last 90 days, sensitive ones and fuel left out; null without any.
  favourites.second_category as second_category_90d -- The category with the second most spend, by the same rule.
from present_people as people
left join totals
  using (person_no)
left join favourites
  using (person_no)
left join prior_wine
  using (person_no)
