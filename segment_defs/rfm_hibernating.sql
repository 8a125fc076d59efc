/*
title = "RFM hibernating"
description = "In the lower two fifths by recency and by number of orders, among everybody who ever ordered."
types = ["rfm", "behavioural"]
owner = "team:crm"
treatment = "The quarterly digest in place of the weekly flyer."
universe = "customers"
min_size = 100

[goal]
metric = "contact_cost_90d"
direction = "down"
target = "-20 %"
by = 2018-03-31
*/
select person_no
from features
where recency_fifth <= 2
  and frequency_fifth <= 2
