/*
title = "Loyal to one store"
description = "12 or more orders in 90 days, all in one store."
types = ["geographic", "behavioural"]
owner = "team:stores"
treatment = "The store's panel and a request for a review, signed by the store's manager."
universe = "customers"
min_size = 100

[goal]
metric = "reviews_90d"
direction = "up"
target = "+10 %"
by = 2018-03-31
*/
select person_no
from features
where orders_90d >= 12
  and stores_90d = 1
