/*
title = "Lapsed, 61 to 180 days"
description = "The last order lies 61 to 180 days back."
types = ["lifecycle"]
owner = "team:crm"
treatment = "A we-miss-you e-mail with the last basket's categories and a voucher, and the same offer in the feed."
universe = "customers"
min_size = 100

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+3 points"
by = 2018-03-31

# People pass through: over a month about half leave, which is the segment working and no mistake.
[sync.meta]
audience = "Winter return"
max_removed = 0.6

[sync.mailchimp]
audience = "We miss you"
max_removed = 0.6

[sync.klaviyo]
audience = "We miss you"
max_removed = 0.6
attributes = { "Home store" = "home_store", "Spend before the pause" = "spend_prior_90d" }

[sync.google]
audience = "Winter return"
max_removed = 0.6

[sync.microsoft]
audience = "Winter return"
max_removed = 0.6

[sync.criteo]
audience = "Winter return"
max_removed = 0.6
*/
select person_no
from features
where days_since_last_order between 61 and 180
