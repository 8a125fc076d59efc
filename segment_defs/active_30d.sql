/*
title = "Active, 30 days"
description = "Ordered in the last 30 days."
types = ["behavioural", "lifecycle"]
owner = "team:crm"
treatment = "Gets the weekly flyer; everyone else gets the digest. Other segments build on it."
universe = "customers"
min_size = 100

[goal]
metric = "retention_90d"
direction = "up"
target = "+1 point"
by = 2018-03-31
*/
select person_no
from features
where days_since_last_order <= 30
