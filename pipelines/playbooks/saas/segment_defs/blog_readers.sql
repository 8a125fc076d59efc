/*
title = "Readers of one post"
description = "Read a post in the last 30 days and never looked at a price."
types = ["intent", "needs"]
owner = "team:content"
treatment = "Two more posts on the same subject by e-mail; no sales call, no ads."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+2 %"
by = 2027-03-31

[sync.email]
audience = "Reading list"
*/
select distinct person_no
from web_events as posts
semi join features
  using (person_no)
where page like '/blog/%'
  and occurred_at >= $window_end - interval 30 day
  and not exists (
    from web_events as prices
    where prices.person_no = posts.person_no
      and prices.page = '/pricing'
  )
