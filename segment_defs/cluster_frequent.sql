/*
title = "Ways to shop: frequent"
description = "Many baskets, and in more than one store. One of five groups of people who ordered in the last 30 days."
types = ["cluster", "behavioural"]
owner = "team:crm"
treatment = "News of their stores, and bundles that make a small basket larger."
universe = "customers"
min_size = 100
evidence = "Model clusters: its card tells the rules in words, and how many keep their group for a month."

[goal]
metric = "average_order_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31
*/
select person_no
from scores
where model = 'clusters'
  and label = 'frequent'
