/*
title = "RFM champions"
description = "In the upper two fifths by recency of the last order, by number of orders and by spend (the latter two in the last 90 days), among everybody who ever ordered. Fifths are cut afresh each day, so about a quarter of the members changes daily."
types = ["rfm", "behavioural"]
owner = "team:loyalty"
treatment = "Served first: the priority line of the help desk, and no win-back offers in the feed."
universe = "customers"
min_size = 100

[goal]
metric = "retention_90d"
direction = "up"
target = "+1 point"
by = 2018-03-31

[sync.meta]
audience = "Regulars"
max_removed = 0.6

[sync.google]
audience = "Regulars"
max_removed = 0.6

[sync.tiktok]
audience = "Regulars"
max_removed = 0.6

[sync.snapchat]
audience = "Regulars"
max_removed = 0.6

[sync.pinterest]
audience = "Regulars"
max_removed = 0.6

[sync.reddit]
audience = "Regulars"
max_removed = 0.6
*/
select person_no
from features
where recency_fifth >= 4
  and frequency_fifth >= 4
  and monetary_fifth >= 4
