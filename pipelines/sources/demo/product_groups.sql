-- Which of the retailer's departments, categories and product types make up the groups of the features.
with products as (
  select
    product_id,
    department,
    coalesce(product_category, '') as category,
    coalesce(product_type, '') as kind
  from read_parquet(demo_file('products'))
),
membership as (
  select
    product_id,
    unnest([
      -- The "natural foods" department, and whatever names itself organic elsewhere.
      if(department = 'NUTRITION' or kind ilike '%organic%', 'organic', null),
      if(department in ('PRODUCE', 'MEAT', 'SEAFOOD', 'SALAD BAR'), 'fresh', null),
      if(category similar to '.*(FRZN|FROZEN|PREPARED).*', 'convenience', null),
      if(category like '%WINE%', 'wine', null),
      -- Baby body care is left out: it is bought for adults' skin as well.
      if(
        category in ('BABY FOODS', 'BABYFOOD', 'INFANT FORMULA', 'INFANT CARE PRODUCTS', 'DIAPERS & DISPOSABLES'),
        'baby',
        null
      ),
      if(category in ('DOG FOODS', 'CAT FOOD', 'CAT LITTER', 'PET CARE SUPPLIES'), 'pet', null),
      if(category = 'COFFEE', 'coffee', null),
      -- COUPON/MISC ITEMS is mostly fuel by value: 309,667 of 385,972 in the fuel department alone.
      if(category in ('FUEL', 'COUPON/MISC ITEMS'), 'fuel', null),
      -- Alcohol, tobacco and the whole drug department: what of it is medicine cannot be told for certain.
      if(
        department in ('DRUG GM', 'SPIRITS')
        or category similar to '.*(WINE|BEER|LIQUOR|ALCOHOL|CIGAR|TOBACCO|DIET|PHARM).*',
        'sensitive',
        null
      )
    ]) as group_name
  from products
)
select
  product_id::varchar as product_id,
  group_name
from membership
where group_name is not null
order by product_id, group_name
