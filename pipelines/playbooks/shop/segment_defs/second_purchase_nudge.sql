/*
title = "Second purchase nudge"
description = "One order ever, at most 60 days ago."
types = ["lifecycle"]
owner = "team:crm"
treatment = "E-mail two weeks after the first order: how to get the most of it, and 10 % on the next one, said once. Everyone else gets the newsletter only."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "second_order_rate_60d"
direction = "up"
target = "+5 points"
by = 2027-03-31

[sync.email]
audience = "New with us"
*/
select person_no
from features
where orders_ever = 1
  and days_since_first_order <= 60
