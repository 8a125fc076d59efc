/*
title = "Ways to shop: families with babies"
description = "Come often and buy for a baby. One of five groups of people who ordered in the last 30 days."
types = ["cluster", "behavioural"]
owner = "team:crm"
treatment = "The family page in the newsletter; nappies and formula in the weekly flyer."
universe = "customers"
min_size = 100
evidence = "Model clusters: its card tells the rules in words, and how many keep their group for a month."

[goal]
metric = "spend_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31
*/
select person_no
from scores
where model = 'clusters'
  and label = 'family_baby'
