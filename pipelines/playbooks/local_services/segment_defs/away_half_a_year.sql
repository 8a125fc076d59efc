/*
title = "Away for half a year"
description = "Came before, not in the last 180 days."
types = ["lifecycle"]
owner = "team:front_desk"
treatment = "One letter by e-mail with what is new, and an ad in the town for two weeks."
universe = "customers"
min_size = 15
review_by = 2027-03-31

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+3 points"
by = 2027-03-31

[sync.email]
audience = "Long time no see"

[sync.ads]
audience = "Long time no see"
*/
select person_no
from features
where days_since_last_order > 180
