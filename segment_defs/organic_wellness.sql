/*
title = "Organic and wellness"
description = "At least 4 orders of the last 90 days, and at least 15 % of them, hold something organic or from the natural-food department. A proxy: what people buy, not what they say they value."
types = ["psychographic", "behavioural"]
owner = "team:crm"
treatment = "The organic newsletter with new suppliers and recipes, every second week."
universe = "customers"
policy = ["health"]

[goal]
metric = "organic_orders_90d"
direction = "up"
target = "+10 %"
by = 2018-03-31

[sync.mailchimp]
audience = "Organic newsletter"
max_removed = 0.3

# Refused there: Google takes no customer lists that hint at health. Kept as an example of a refusal.
[sync.google]
audience = "Organic newsletter"
max_removed = 0.3
*/
select person_no
from features
where organic_orders_90d >= 4
  and organic_share_90d >= 0.15
