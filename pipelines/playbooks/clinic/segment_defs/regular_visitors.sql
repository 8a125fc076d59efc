/*
title = "Regular visitors"
description = "Two or more appointments in the last 90 days."
types = ["behavioural"]
owner = "team:reception"
treatment = "The link to the patient portal and to opening hours; no offers."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

[goal]
metric = "retention_90d"
direction = "up"
target = "+2 points"
by = 2027-03-31

[sync.email]
audience = "Opening hours"
*/
select person_no
from features
where orders_90d >= 2
