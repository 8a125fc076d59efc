/*
title = "New customers"
description = "The first order lies at most 60 days back."
types = ["lifecycle"]
owner = "team:crm"
treatment = "The welcome series: three e-mails about how delivery, returns and the app work."
universe = "customers"
min_size = 50

[goal]
metric = "second_order_rate_60d"
direction = "up"
target = "+5 points"
by = 2018-03-31
*/
select person_no
from features
where days_since_first_order <= 60
