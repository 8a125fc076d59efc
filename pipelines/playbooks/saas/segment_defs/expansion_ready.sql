/*
title = "Ready to grow"
description = "Contacts of paying companies of which four or more people signed in within the last 14 days."
types = ["behavioural", "value"]
owner = "team:success"
treatment = "The admin gets a count of who works with it, and the price of the next plan; users get nothing."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "average_order_value_90d"
direction = "up"
target = "+6 %"
by = 2027-03-31

[sync.email]
audience = "How your team works"
*/
with
paying as (
  select members.account_id
  from account_members as members
  join orders
    using (person_no)
  where orders.ordered_at >= $window_end - interval 60 day
),
active as (
  select members.account_id
  from account_members as members
  join web_events as visits
    using (person_no)
  where visits.event = 'login'
    and visits.occurred_at >= $window_end - interval 14 day
  group by members.account_id
  having count(distinct members.person_no) >= 4
)
select distinct members.person_no
from account_members as members
semi join features
  using (person_no)
semi join paying
  using (account_id)
semi join active
  using (account_id)
