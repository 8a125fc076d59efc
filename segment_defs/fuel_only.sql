/*
title = "Fuel only"
description = "Three or more orders in 90 days, half or more of the spend on fuel."
types = ["needs", "behavioural"]
owner = "team:stores"
treatment = "A voucher for the shop, printed at the pump."
universe = "customers"

[goal]
metric = "non_fuel_spend_90d"
direction = "up"
target = "+10 %"
by = 2018-03-31
*/
select person_no
from features
where fuel_share_90d >= 0.5
  and orders_90d >= 3
