-- Synthetic but for customer_id; see docs/sources.md.
select
  household.customer_id,
  contact.email,
  contact.phone,
  household.first_name,
  household.last_name,
  household.gender,
  make_date(2017 - household.age_from - floor(draw('birth year', customer_id) * 10)::integer, 1, 1)
  + floor(draw('birth day', customer_id) * 365)::integer as birth_date,
  (1 + floor(draw('street number', customer_id) * 999)::integer)::varchar
  || ' '
  || pick(streets.names, 'street', customer_id)
  || ' '
  || pick(['Street', 'Avenue', 'Lane', 'Road'], 'street kind', customer_id) as street,
  household.place.city as city,
  household.place.postal_code as postal_code,
  household.place.state as state,
  household.place.country as country,
  household.language,
  household.region,
  household.created_at
from demo_household as household
join demo_contact as contact
  using (customer_id)
join demo_name as streets
  on streets.part = 'street'
order by household.customer_id::integer
