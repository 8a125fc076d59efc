/*
title = "Open to wine"
description = "Ordered in the last 30 days and bought no wine in the last 90, and in the highest tenth of these by the model of who takes it up."
types = ["predictive", "psychographic"]
owner = "team:crm"
treatment = "An invitation to the tasting, by e-mail only; never an ad."
universe = "customers"
min_size = 100
policy = ["alcohol"]
evidence = "Model wine_60d: its card tells how it did on a later window, against spend alone."

[goal]
metric = "wine_buyers_60d"
direction = "up"
target = "+2 points"
by = 2018-03-31
*/
select person_no
from scores
where model = 'wine_60d'
  and score_rank >= 0.9
