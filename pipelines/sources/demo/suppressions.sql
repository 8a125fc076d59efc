-- Synthetic: 2 % unsubscribed and 1.5 % hard bounces, as an e-mail tool knows them (by address, its own spelling);
-- 0.5 % requests for deletion in the middle of the year, as a help desk knows them (by customer).
with events as (
  select
    household.customer_id,
    contact.email,
    case
      when draw('suppression', household.customer_id) < 0.020 then 'unsubscribed'
      when draw('suppression', household.customer_id) < 0.035 then 'hard_bounce'
      else 'erased'
    end as reason,
    household.created_at
  from demo_household as household
  join demo_contact as contact
    using (customer_id)
  where draw('suppression', household.customer_id) < 0.040
)
select
  if(reason = 'erased' or email is null, customer_id, null) as customer_id,
  if(draw('suppression spelling', customer_id) < 0.25, upper(email), email) as email,
  null::varchar as phone,
  reason,
  if(
    reason = 'erased',
    greatest(
      timestamp '2017-05-01 09:00:00' + to_seconds(floor(draw('suppressed at', customer_id) * 120 * 86400)::bigint),
      created_at + interval 1 day
    ),
    moment('suppressed at', customer_id, created_at)
  ) as since,
  if(reason = 'erased', 'help desk', 'e-mail tool') as source
from events
order by since
