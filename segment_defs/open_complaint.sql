/*
title = "Open complaint"
description = "People with a complaint that nobody has closed yet."
types = ["lifecycle"]
owner = "team:crm"
treatment = "No advertising until it is closed: other segments leave them out with exclude or an anti join."
universe = "customers"

[goal]
metric = "complaint_rate_30d"
direction = "down"
target = "-10 %"
by = 2018-03-31
*/
select person_no
from features
where open_complaints > 0
