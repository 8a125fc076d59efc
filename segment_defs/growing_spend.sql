/*
title = "Growing spend"
description = "Spent at least one and a half times as much as in the 90 days before, which were 100 dollars or more."
types = ["behavioural"]
owner = "team:loyalty"
treatment = "An early step up to the next loyalty tier."
universe = "customers"
min_size = 100

[goal]
metric = "spend_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31
*/
select person_no
from features
where spend_90d >= 1.5 * spend_prior_90d
  and spend_prior_90d >= 100
