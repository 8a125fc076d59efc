/*
title = "Likely to churn"
description = "Ordered in the last 30 days, and the model of churn gives them a chance of 15 % or more (four times the usual) to order nothing in the next 60."
types = ["predictive", "behavioural"]
owner = "team:loyalty"
treatment = "A personal offer on what they used to buy, before they are gone; everyone else gets the weekly flyer."
universe = "customers"
min_size = 100
evidence = "Model churn_60d: its card tells how it did on a later window, against recency alone."

[goal]
metric = "retention_60d"
direction = "up"
target = "+3 points"
by = 2018-03-31
*/
select person_no
from scores
where model = 'churn_60d'
  and score >= 0.15
