/*
title = "Away for half a year"
description = "Came before, not in the last 180 days."
types = ["lifecycle"]
owner = "team:reception"
treatment = "One e-mail that asks whether their details are still right, with a link to book; then nothing for a year."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+3 points"
by = 2027-03-31

[sync.email]
audience = "Are we still up to date"
*/
select person_no
from features
where days_since_last_order > 180
