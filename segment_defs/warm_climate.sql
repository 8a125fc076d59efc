/*
title = "Warm climate"
description = "Live in a state with mild winters: California, Arizona, Texas, Georgia or Florida."
types = ["geographic"]
owner = "team:merchandising"
treatment = "Summer ranges two months early, and no winter ranges."
universe = "customers"

[goal]
metric = "seasonal_revenue_90d"
direction = "up"
target = "+4 %"
by = 2018-03-31
*/
select person_no
from features
where country = 'US'
  and state in ('AZ', 'CA', 'FL', 'GA', 'TX')
