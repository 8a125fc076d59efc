/*
title = "Mailed, never redeemed"
description = "Received three or more campaigns and never redeemed a coupon."
types = ["behavioural"]
owner = "team:promotions"
treatment = "No more paper; the same coupons by e-mail, once a month."
universe = "customers"
min_size = 100

[goal]
metric = "campaign_cost_90d"
direction = "down"
target = "-20 %"
by = 2018-03-31
*/
select person_no
from features
where campaigns_received_ever >= 3
  and coupons_redeemed_ever = 0
