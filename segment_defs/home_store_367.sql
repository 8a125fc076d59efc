/*
title = "Home store 367"
description = "Has placed more orders in store 367 than in any other (ties: the store with more spend), ever since the records began, and ordered in the last 90 days. Copy it for another store: only the number changes."
types = ["geographic"]
owner = "team:stores"
treatment = "Invited by the store itself to its events; everyone else gets the weekly flyer."
universe = "customers"

[goal]
metric = "store_visits_30d"
direction = "up"
target = "+5 %"
by = 2018-03-31

[sync.mailchimp]
audience = "Store 367 events"
max_removed = 0.3
*/
select person_no
from features
where home_store = '367'
  and days_since_last_order <= 90
