/*
title = "RFM at risk"
description = "In the lower two fifths by recency and the upper three by number of orders and by spend, among everybody who ever ordered."
types = ["rfm", "behavioural"]
owner = "team:loyalty"
treatment = "A call from the service desk, and an offer that the caller may choose."
universe = "customers"
min_size = 100

[goal]
metric = "churn_rate_60d"
direction = "down"
target = "-1 point"
by = 2018-03-31
*/
select person_no
from features
where recency_fifth <= 2
  and frequency_fifth >= 3
  and monetary_fifth >= 3
