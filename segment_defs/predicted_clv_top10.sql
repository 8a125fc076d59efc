/*
title = "Best of the next half year"
description = "The tenth of everybody who ever ordered of whom the model of value expects the most spend in the next 26 weeks."
types = ["predictive", "value"]
owner = "team:loyalty"
treatment = "A thank-you in the post and a named contact in the shop; nobody is asked for more than they spend already."
universe = "customers"
min_size = 100
evidence = "Model lifetime_26w: its card tells how it did on a later quarter, against the last 26 weeks going on."

[goal]
metric = "revenue_26w"
direction = "up"
target = "+2 %"
by = 2018-03-31
*/
select person_no
from scores
where model = 'lifetime_26w'
  and score_rank >= 0.9
