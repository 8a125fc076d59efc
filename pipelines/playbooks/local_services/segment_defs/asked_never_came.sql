/*
title = "Asked, never came"
description = "Left their address in the last 60 days and had no appointment yet."
types = ["intent"]
owner = "team:front_desk"
treatment = "A call back within a day and an e-mail with prices and three free slots."
universe = "customers"
min_size = 15
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+10 %"
by = 2027-03-31

[sync.email]
audience = "Your first visit"
*/
select person_no
from features
where orders_ever = 0
