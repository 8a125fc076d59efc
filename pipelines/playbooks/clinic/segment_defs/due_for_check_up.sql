/*
title = "Due for a check-up"
description = "The last appointment 90 to 180 days ago."
types = ["lifecycle"]
owner = "team:reception"
treatment = "A reminder by e-mail that a date can be booked; the reason for it stays in the patient portal."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+6 points"
by = 2027-03-31

[sync.email]
audience = "Book a date"
*/
select person_no
from features
where days_since_last_order between 90 and 180
