select
  household_id::varchar as customer_id,
  redemption_date as redeemed_at,
  coupon_upc::varchar as coupon_id,
  campaign_id::varchar as campaign_id
from read_parquet(demo_file('coupon_redemptions'))
order by redemption_date, household_id, coupon_upc
