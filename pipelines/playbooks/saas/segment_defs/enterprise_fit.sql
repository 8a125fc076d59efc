/*
title = "Fit for the large plan"
description = "Contacts of companies with 500 employees or more where nobody pays yet."
types = ["firmographic"]
owner = "team:sales"
treatment = "An invitation to a briefing with security and procurement on the agenda; no self-service trial mails."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+3 %"
by = 2027-03-31

[sync.ads]
audience = "Briefing"

[sync.email]
audience = "Briefing"
*/
with
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
anti join paying
  using (account_id)
where accounts.employees >= 500
