/*
title = "Sustainability minded"
description = "Answered the questions on sustainability with 3.5 of 5 or more on average: the upper third of those who answered."
types = ["psychographic"]
owner = "team:brand"
treatment = "Stories about origin and packaging in the newsletter in place of price offers."
universe = "customers"

[goal]
metric = "organic_orders_per_month"
direction = "up"
target = "+5 %"
by = 2018-03-31
*/
select person_no
from features
where sustainability_score >= 3.5
