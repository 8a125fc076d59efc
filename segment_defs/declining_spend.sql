/*
title = "Declining spend"
description = "Spent at most half of the 90 days before (which were 50 dollars or more), and still ordered in the last 30 days."
types = ["behavioural"]
owner = "team:crm"
treatment = "A check-in from the service desk with an offer in their main category."
universe = "customers"
min_size = 100

[goal]
metric = "churn_rate_60d"
direction = "down"
target = "-1 point"
by = 2018-03-31
*/
select person_no
from features
where spend_90d <= 0.5 * spend_prior_90d
  and spend_prior_90d >= 50
  and days_since_last_order <= 30
