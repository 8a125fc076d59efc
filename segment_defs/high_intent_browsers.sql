/*
title = "High-intent browsers"
description = "Looked at three products or more in the last 14 days and have ordered nothing for three days."
types = ["intent", "behavioural"]
owner = "team:web"
treatment = "What they looked at, with a reason to decide today; everyone else sees the weekly flyer."
universe = "customers"
min_size = 100
# Computed every night, and as soon as somebody browses or buys where the sources arrive continuously.
mode = "dynamic"

[goal]
metric = "conversion_rate_7d"
direction = "up"
target = "+2 points"
by = 2018-03-31
*/
select person_no
from features
where product_views_14d >= 3
  and (days_since_last_order >= 3 or days_since_last_order is null)
