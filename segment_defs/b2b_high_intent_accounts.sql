/*
title = "Busy accounts"
description = "Contacts of companies with 50 employees or more of which at least two ordered in the last 30 days."
types = ["firmographic", "intent"]
owner = "team:b2b"
treatment = "A call by the account manager with an offer of one invoice for the whole company; no consumer coupons."
universe = "customers"

[goal]
metric = "company_contracts"
direction = "up"
target = "+10 %"
by = 2018-03-31
*/
select person_no
from features
where account_employees >= 50
  and account_active_contacts >= 2
