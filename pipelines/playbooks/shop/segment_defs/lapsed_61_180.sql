/*
title = "Lapsed customers"
description = "Bought before, silent for 61 to 180 days."
types = ["lifecycle", "behavioural"]
owner = "team:crm"
treatment = "One win-back e-mail with a 5 dollar voucher and an ad with the same offer for two weeks."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+4 points"
by = 2027-03-31

[sync.email]
audience = "Welcome back"

[sync.ads]
audience = "Welcome back"
*/
select person_no
from features
where days_since_last_order between 61 and 180
