/*
title = "Due again"
description = "The last appointment 90 to 180 days ago."
types = ["lifecycle"]
owner = "team:front_desk"
treatment = "A reminder by e-mail with two free slots at their own location."
universe = "customers"
min_size = 15
review_by = 2027-03-31

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+6 points"
by = 2027-03-31

[sync.email]
audience = "Time for a visit"
*/
select person_no
from features
where days_since_last_order between 90 and 180
