/*
title = "Deal hunters"
description = "A tenth or more of their baskets is discount, two or more orders in 90 days."
types = ["needs", "behavioural"]
owner = "team:promotions"
treatment = "Bundles and end-of-month offers by e-mail; no early access, no free delivery on top."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "margin_90d"
direction = "up"
target = "+2 %"
by = 2027-03-31

[sync.email]
audience = "Offers"
*/
select person_no
from features
where discount_share_90d >= 0.1
  and orders_90d >= 2
