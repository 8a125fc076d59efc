/*
title = "Young families"
description = "The head of the household is under 45 (upper end of the band) and there are children."
types = ["demographic"]
owner = "team:crm"
treatment = "Family bundles on the front page of the e-mail; everyone else sees the season's offers."
universe = "customers"
min_size = 100

[goal]
metric = "average_order_value_90d"
direction = "up"
target = "+5 %"
by = 2018-03-31
*/
select person_no
from features
where age_to < 45
  and children > 0
