/*
title = "New customers"
description = "Contacts of companies whose first invoice is at most 60 days old."
types = ["lifecycle"]
owner = "team:success"
treatment = "A plan for the first 30 days by role: admins the setup, users the one thing to try; no upsell."
universe = "customers"
min_size = 20
review_by = 2027-03-31

[goal]
metric = "retention_90d"
direction = "up"
target = "+3 points"
by = 2027-03-31

[sync.email]
audience = "Your first 30 days"
*/
with
firsts as (
  select
    members.account_id,
    min(orders.ordered_at) as first_at
  from account_members as members
  join orders
    using (person_no)
  group by members.account_id
)
select distinct members.person_no
from account_members as members
semi join features
  using (person_no)
join firsts
  using (account_id)
where firsts.first_at >= $window_end - interval 60 day
