select
  product_id::varchar as product_id,
  department,
  product_category as category,
  product_type as kind,
  brand,
  brand = 'Private' as private_label
from read_parquet(demo_file('products'))
order by product_id
