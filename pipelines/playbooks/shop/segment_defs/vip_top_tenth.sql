/*
title = "Best tenth by spend"
description = "Among those who ever ordered, the tenth that spent most in the last 90 days."
types = ["value"]
owner = "team:crm"
treatment = "A named contact, free express delivery, an invitation to tastings; no vouchers."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "retention_90d"
direction = "up"
target = "+2 points"
by = 2027-03-31

[sync.email]
audience = "Invitations"
*/
select person_no
from features
where spend_rank_90d >= 0.88
  and orders_90d >= 1
