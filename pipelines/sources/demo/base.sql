-- What several demo tables are made from. Dropped again when the load has ended.

-- Lines whose product the product table does not know (4,836 of 1,469,307, 172.57 of 4,596,040) are left out.
create or replace temp table demo_line as
select
  lines.household_id::varchar as customer_id,
  lines.basket_id::varchar as order_id,
  lines.file_row_number as line_no,
  lines.store_id::varchar as store_id,
  lines.product_id::varchar as product_id,
  lines.quantity,
  lines.sales_value::decimal(18, 2) as amount,
  lines.retail_disc::decimal(18, 2) as discount,
  (lines.coupon_disc + lines.coupon_match_disc)::decimal(18, 2) as coupon_and_match,
  lines.coupon_disc::decimal(18, 2) as coupon_discount,
  lines.transaction_timestamp as ordered_at,
  products.department,
  products.product_category as category,
  products.product_type as kind
from read_parquet(demo_file('transactions'), file_row_number = true) as lines
join read_parquet(demo_file('products')) as products
  using (product_id);

create or replace temp table demo_place as
select
  region,
  list(place order by place.postal_code) as places
from (
  select
    region,
    {city: city, state: state, postal_code: postal_code, country: country, area_code: area_code} as place
  from read_csv(
    getvariable('demo_here') || '/places.csv',
    header = true,
    auto_detect = false,
    columns = {
      region: 'varchar',
      city: 'varchar',
      state: 'varchar',
      postal_code: 'varchar',
      country: 'varchar',
      area_code: 'varchar'
    }
  )
)
group by region;

create or replace temp table demo_name as
select
  part,
  tongue,
  gender,
  string_split(names, ' ') as names
from read_csv(
  getvariable('demo_here') || '/names.csv',
  header = true,
  auto_detect = false,
  columns = {part: 'varchar', tongue: 'varchar', gender: 'varchar', names: 'varchar'}
);

-- Every household with its home store (where it shops most) and what is drawn for it.
create or replace temp table demo_household as
with first_seen as (
  select
    customer_id,
    min(ordered_at) as first_order
  from demo_line
  group by customer_id
),
visits as (
  select
    customer_id,
    store_id,
    count(distinct order_id) as orders,
    sum(amount) as spend
  from demo_line
  group by customer_id, store_id
),
home as (
  select
    customer_id,
    arg_max(store_id, {orders: orders, spend: spend, store: store_id}) as store_id
  from visits
  group by customer_id
),
demographics as (
  select
    household_id::varchar as customer_id,
    age,
    try_cast(regexp_extract(age, '^\d+') as integer) as age_from
  from read_parquet(demo_file('demographics'))
),
drawn as (
  select
    customer_id,
    store_id,
    first_order,
    age,
    coalesce(age_from, 25 + floor(draw('age', customer_id) * 45)::integer) as age_from,
    case
      when draw('region', customer_id) < 0.08 then 'eu'
      when draw('region', customer_id) < 0.20 then 'california'
      else 'other'
    end as region,
    if(draw('language', customer_id) < 0.09, 'es', 'en') as language,
    if(draw('gender', customer_id) < 0.5, 'f', 'm') as gender,
    draw('email state', customer_id) as email_state
  from first_seen
  join home
    using (customer_id)
  left join demographics
    using (customer_id)
)
select
  drawn.*,
  pick(demo_place.places, 'place', region || drawn.store_id) as place,
  pick(first_names.names, 'first name', customer_id) as first_name,
  pick(last_names.names, 'last name', customer_id) as last_name,
  case
    when first_order < timestamp '2017-03-01'
      then timestamp '2012-01-01' + to_seconds(floor(draw('known since', customer_id) * 5 * 365 * 86400)::bigint)
    else first_order - to_seconds(floor(draw('known since', customer_id) * 3 * 86400)::bigint)
  end as created_at
from drawn
join demo_place
  using (region)
join demo_name as first_names
  on first_names.part = 'first'
  and first_names.tongue = drawn.language
  and first_names.gender = drawn.gender
join demo_name as last_names
  on last_names.part = 'last'
  and last_names.tongue = drawn.language;

-- The dirty e-mail addresses and the phone numbers, for everybody, so that an earlier day shows the same people.
create or replace temp table demo_contact as
with clean as (
  select
    customer_id,
    email_state,
    place.area_code as area_code,
    regexp_replace(lower(strip_accents(first_name || '.' || last_name)), '[^a-z.]', '', 'g')
    || customer_id
    || '@example.'
    || pick(['com', 'org', 'net'], 'email domain', customer_id) as email
  from demo_household
),
pairs as (
  select
    customer_id,
    email,
    row_number() over (order by customer_id) as place_in_line
  from clean
  where email_state >= 0.11
    and email_state < 0.13
),
shared as (
  select
    later.customer_id,
    earlier.email
  from pairs as later
  join pairs as earlier
    on earlier.place_in_line = later.place_in_line - 1
  where later.place_in_line % 2 = 0
),
numbered as (
  select
    customer_id,
    area_code,
    -- 555-0100 to 555-0199 are reserved for fiction; a number repeats only past a hundred people an area code.
    lpad((100 + (row_number() over (partition by area_code order by draw('phone', customer_id)) - 1) % 100)::varchar, 4, '0')
      as line
  from clean
)
select
  clean.customer_id,
  case
    when clean.email_state < 0.03 then upper(clean.email)
    when clean.email_state < 0.05 then '  ' || clean.email || ' '
    when clean.email_state < 0.06 then replace(clean.email, '@', '+offers@')
    when clean.email_state < 0.07 then replace(clean.email, '@', '.at.')
    when clean.email_state < 0.11 then null
    else coalesce(shared.email, clean.email)
  end as email,
  case floor(draw('phone form', clean.customer_id) * 4)
    when 0 then '+1' || numbered.area_code || '555' || numbered.line
    when 1 then '(' || numbered.area_code || ') 555-' || numbered.line
    when 2 then numbered.area_code || '-555-' || numbered.line
    else '+1 ' || numbered.area_code || ' 555 ' || numbered.line
  end as phone
from clean
join numbered
  using (customer_id)
left join shared
  using (customer_id);
