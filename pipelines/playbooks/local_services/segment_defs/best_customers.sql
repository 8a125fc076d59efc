/*
title = "Best customers"
description = "The fifth that spent most in the last 90 days, of those who came at all."
types = ["value"]
owner = "team:front_desk"
treatment = "A call by the owner once a year and the first choice of dates around holidays."
universe = "customers"
min_size = 10
review_by = 2027-03-31

[goal]
metric = "retention_90d"
direction = "up"
target = "+2 points"
by = 2027-03-31

[sync.email]
audience = "First choice"
*/
select person_no
from features
where monetary_fifth = 5
  and orders_90d >= 1
