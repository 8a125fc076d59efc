select
  household_id::varchar as customer_id,
  regexp_extract(age, '^\d+')::integer as age_from,
  nullif(regexp_extract(age, '-(\d+)$', 1), '')::integer as age_to,
  if(income like 'Under%', 0, regexp_extract(income, '^\d+')::integer * 1000) as income_from,
  case
    when income like 'Under%' then 14999
    when income like '%-%' then regexp_extract(income, '-(\d+)K$', 1)::integer * 1000 + 999
  end as income_to,
  lower(home_ownership) as home_ownership,
  lower(marital_status) as marital_status,
  regexp_extract(household_size, '^\d+')::integer as household_size,
  regexp_extract(kids_count, '^\d+')::integer as children
from read_parquet(demo_file('demographics'))
order by household_id
