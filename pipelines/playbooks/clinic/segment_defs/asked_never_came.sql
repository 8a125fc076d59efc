/*
title = "Asked, never came"
description = "Left their address and had no appointment yet."
types = ["intent"]
owner = "team:reception"
treatment = "How to find us, and what to bring, by e-mail; nobody is called."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

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
