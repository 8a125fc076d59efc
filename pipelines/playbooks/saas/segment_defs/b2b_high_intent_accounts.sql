/*
title = "Accounts with high intent"
description = "All contacts of companies with 50 employees or more of which two or more people looked at prices in 14 days and nobody pays."
types = ["firmographic", "intent"]
owner = "team:sales"
treatment = "The account team calls; all contacts who agreed see ads with a customer of their industry for two weeks."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+10 %"
by = 2027-03-31

[sync.email]
audience = "For your team"

[sync.ads]
audience = "For your team"
*/
with
looking as (
  select
    members.account_id
  from account_members as members
  join web_events as visits
    using (person_no)
  where visits.page = '/pricing'
    and visits.occurred_at >= $window_end - interval 14 day
  group by members.account_id
  having count(distinct members.person_no) >= 2
),
paying as (
  select members.account_id
  from account_members as members
  semi join orders
    using (person_no)
)
select distinct members.person_no
from account_members as members
semi join features
  using (person_no)
join accounts
  using (account_id)
semi join looking
  using (account_id)
anti join paying
  using (account_id)
where accounts.employees >= 50
