/*
title = "Engaged subscribers"
description = "Clicked in an e-mail in the last 30 days."
types = ["behavioural"]
owner = "team:crm"
treatment = "First to get news and surveys by e-mail; no paid ads for what they were just written about."
universe = "customers"

[goal]
metric = "click_rate"
direction = "up"
target = "+1 point"
by = 2018-03-31
*/
select person_no
from features
where days_since_email_click <= 30
