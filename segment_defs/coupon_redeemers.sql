/*
title = "Coupon redeemers"
description = "Redeemed a coupon at most 90 days ago."
types = ["behavioural", "needs"]
owner = "team:promotions"
treatment = "A coupon book made of the categories they redeem in, in place of the general one."
universe = "customers"
min_size = 100

[goal]
metric = "coupon_redemption_rate_60d"
direction = "up"
target = "+4 points"
by = 2018-03-31

[sync.meta]
audience = "Coupon book"
max_removed = 0.3

[sync.mailchimp]
audience = "Coupon book"
max_removed = 0.3

[sync.tiktok]
audience = "Coupon book"
max_removed = 0.3

[sync.reddit]
audience = "Coupon book"
max_removed = 0.3

[sync.criteo]
audience = "Coupon book"
max_removed = 0.3
*/
select person_no
from features
where days_since_coupon <= 90
