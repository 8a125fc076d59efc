/*
title = "After-work visitors"
description = "Half or more of their appointments of 90 days begin at 18:00 or later."
types = ["behavioural", "needs"]
owner = "team:front_desk"
treatment = "Late slots are offered by e-mail two weeks ahead; daytime offers are left out."
universe = "customers"
min_size = 10
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+5 %"
by = 2027-03-31

[sync.email]
audience = "Late slots"
*/
select person_no
from features
where evening_share_90d >= 0.5
