/*
title = "Likely to use a coupon"
description = "Ordered in the last 30 days, and the model of coupon use gives them a chance of 60 % or more to use one in the next 60."
types = ["predictive", "needs"]
owner = "team:promotions"
treatment = "The coupon book by e-mail; people who hardly use coupons get recipes in its place."
universe = "customers"
min_size = 100
evidence = "Model coupon_60d: its card tells how it did on a later window, against past coupons alone."

[goal]
metric = "coupon_redemption_rate_60d"
direction = "up"
target = "+4 points"
by = 2018-03-31
*/
select person_no
from scores
where model = 'coupon_60d'
  and score >= 0.6
