/*
title = "Value hunters"
description = "A quarter or more of the undiscounted price was discounts, and a quarter or more of the spend the shop's own brand (last 90 days). A proxy: what people buy, not what they say they seek."
types = ["psychographic", "needs"]
owner = "team:promotions"
treatment = "Own-brand offers; national brands' discounts are left out."
universe = "customers"
min_size = 50

[goal]
metric = "margin_90d"
direction = "up"
target = "+2 %"
by = 2018-03-31
*/
select person_no
from features
where discount_share_90d >= 0.25
  and private_label_share_90d >= 0.25
