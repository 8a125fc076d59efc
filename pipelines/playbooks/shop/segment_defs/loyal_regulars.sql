/*
title = "Loyal regulars"
description = "Six or more orders in 90 days."
types = ["behavioural", "rfm"]
owner = "team:crm"
treatment = "Early access to new roasts and a personal thank-you by e-mail instead of discounts."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "retention_90d"
direction = "up"
target = "+3 points"
by = 2027-03-31

[sync.email]
audience = "First to know"
*/
select person_no
from features
where orders_90d >= 6
