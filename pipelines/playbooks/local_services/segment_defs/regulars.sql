/*
title = "Regulars"
description = "Two or more appointments in the last 90 days."
types = ["behavioural"]
owner = "team:front_desk"
treatment = "Standing appointments are offered first, and a friend's first visit is on us; no vouchers."
universe = "customers"
min_size = 20
review_by = 2027-03-31

[goal]
metric = "retention_90d"
direction = "up"
target = "+3 points"
by = 2027-03-31

[sync.email]
audience = "Bring a friend"
*/
select person_no
from features
where orders_90d >= 2
