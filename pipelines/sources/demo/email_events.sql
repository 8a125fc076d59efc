-- Synthetic: every campaign by e-mail to those of its real recipients who have an address; those who redeemed one
-- of its coupons clicked far more often.
with redeemers as (
  select distinct
    campaign_id,
    household_id
  from read_parquet(demo_file('coupon_redemptions'))
),
sends as (
  select
    campaigns.campaign_id || '-' || campaigns.household_id as send_id,
    campaigns.campaign_id::varchar as campaign_id,
    campaigns.household_id::varchar as customer_id,
    descriptions.start_date + interval 9 hours as sent_at,
    redeemers.household_id is not null as redeemed
  from read_parquet(demo_file('campaigns')) as campaigns
  join read_parquet(demo_file('campaign_descriptions')) as descriptions
    using (campaign_id)
  left join redeemers
    using (campaign_id, household_id)
  join demo_contact as contact
    on contact.customer_id = campaigns.household_id::varchar
    and contact.email is not null
),
opens as (
  select
    *,
    sent_at + to_seconds(floor(draw('open time', send_id) * 172800)::bigint) as opened_at
  from sends
  where draw('open', send_id) < if(redeemed, 0.70, 0.35)
),
clicks as (
  select
    *,
    opened_at + interval 1 minute as clicked_at
  from opens
  where draw('click', send_id) < if(redeemed, 0.60, 0.10)
)
select
  'sent-' || send_id as event_id,
  customer_id,
  'sent' as event,
  campaign_id,
  sent_at as occurred_at
from sends
union all
select
  'opened-' || send_id,
  customer_id,
  'opened',
  campaign_id,
  opened_at
from opens
union all
select
  'clicked-' || send_id,
  customer_id,
  'clicked',
  campaign_id,
  clicked_at
from clicks
order by occurred_at, event_id
