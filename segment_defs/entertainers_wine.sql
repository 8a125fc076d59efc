/*
title = "Entertainers with wine"
description = "Three or more orders with wine in the last 90 days."
types = ["psychographic", "behavioural"]
owner = "team:crm"
treatment = "The pairing e-mail before weekends; never an ad."
universe = "customers"
min_size = 100
policy = ["alcohol"]

[goal]
metric = "average_order_value_90d"
direction = "up"
target = "+5 %"
by = 2018-03-31
*/
select person_no
from features
where wine_orders_90d >= 3
