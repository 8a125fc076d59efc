/*
title = "Pricing page, three times in a week"
description = "Looked at the pricing page three times or more in the last 7 days."
types = ["intent"]
owner = "team:sales"
treatment = "Sales writes the same day with a price for their size; ads with a customer of their industry for two weeks."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+10 %"
by = 2027-03-31

[sync.email]
audience = "What it costs"

[sync.ads]
audience = "What it costs"
*/
select person_no
from web_events
semi join features
  using (person_no)
where event = 'page_view'
  and page = '/pricing'
  and occurred_at >= $window_end - interval 7 day
group by person_no
having count(*) >= 3
