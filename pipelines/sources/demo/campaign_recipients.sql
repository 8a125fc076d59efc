select
  campaigns.campaign_id::varchar as campaign_id,
  campaigns.household_id::varchar as customer_id,
  descriptions.start_date as sent_at
from read_parquet(demo_file('campaigns')) as campaigns
join read_parquet(demo_file('campaign_descriptions')) as descriptions
  using (campaign_id)
order by campaigns.campaign_id, campaigns.household_id
