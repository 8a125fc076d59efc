/*
title = "First-time browsers"
description = "Looked at products in the last 14 days and never ordered."
types = ["intent", "lifecycle"]
owner = "team:shop"
treatment = "A welcome series of three e-mails about how to choose; ads with the best-rated products."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+5 %"
by = 2027-03-31

[sync.email]
audience = "Hello"

[sync.ads]
audience = "Hello"
*/
select person_no
from features
where orders_ever = 0
  and product_views_14d >= 1
