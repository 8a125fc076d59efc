select
  campaign_id::varchar as campaign_id,
  campaign_type as kind,
  start_date as started_at,
  end_date as ended_at
from read_parquet(demo_file('campaign_descriptions'))
order by campaign_id
