/*
title = "Silent accounts"
description = "Contacts of paying companies of which nobody signed in within the last 21 days."
types = ["behavioural", "lifecycle"]
owner = "team:success"
treatment = "A call by their success manager before the renewal, an e-mail with what changed since; no newsletter."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "churn_rate_60d"
direction = "down"
target = "-2 points"
by = 2027-03-31

[sync.email]
audience = "What changed"
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
    and visits.occurred_at >= $window_end - interval 21 day
)
select distinct members.person_no
from account_members as members
semi join features
  using (person_no)
semi join paying
  using (account_id)
anti join active
  using (account_id)
