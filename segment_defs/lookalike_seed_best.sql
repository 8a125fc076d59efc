/*
title = "Seed: people like our best"
description = "The tenth with the most spend expected, in one country: whom an ad platform is to find more of. Platforms want 100 matched people at least, and advise 1,000 to 5,000."
types = ["predictive", "value", "geographic"]
owner = "team:acquisition"
treatment = "Nobody in it is shown anything: the platform looks for people like them, who get the newcomers' offer."
universe = "customers"
min_size = 100
evidence = "Model lifetime_26w; one country, because a seed of several teaches the platform the country and not the customer."
tags = {use = "lookalike_seed"}

[goal]
metric = "cost_per_new_customer"
direction = "down"
target = "-10 %"
by = 2018-03-31
*/
select person_no
from predicted_clv_top10
semi join features
  on features.person_no = predicted_clv_top10.person_no
  and features.country = 'US'
