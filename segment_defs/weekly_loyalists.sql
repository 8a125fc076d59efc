/*
title = "Weekly loyalists"
description = "24 or more orders in the last 90 days: about two a week."
types = ["behavioural", "value"]
owner = "team:loyalty"
treatment = "A free coffee and the referral card; no discounts."
universe = "customers"
min_size = 100

[goal]
metric = "referrals_90d"
direction = "up"
target = "+10 %"
by = 2018-03-31
*/
select person_no
from features
where orders_90d >= 24
