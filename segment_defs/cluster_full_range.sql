/*
title = "Ways to shop: full range"
description = "Large baskets from every shelf, the fresh and the ready to eat. One of five groups of people who ordered in the last 30 days."
types = ["cluster", "behavioural"]
owner = "team:crm"
treatment = "The whole week's flyer and a recipe that uses it."
universe = "customers"
min_size = 100
evidence = "Model clusters: its card tells the rules in words, and how many keep their group for a month."

[goal]
metric = "orders_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31
*/
select person_no
from scores
where model = 'clusters'
  and label = 'full_range'
