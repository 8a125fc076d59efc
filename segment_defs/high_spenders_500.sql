/*
title = "Spent 500 and more"
description = "Spent 500 or more, after discounts, in the last 90 days."
types = ["behavioural"]
owner = "team:crm"
treatment = "Early access to the season's range, by e-mail and in the feed, two days before everybody else."
universe = "customers"
min_size = 100

[goal]
metric = "retention_90d"
direction = "up"
target = "+2 points"
by = 2018-03-31

[sync.meta]
audience = "Early access"
max_removed = 0.3

[sync.mailchimp]
audience = "Early access"
max_removed = 0.3

[sync.google]
audience = "Early access"
max_removed = 0.3

[sync.tiktok]
audience = "Early access"
max_removed = 0.3

[sync.linkedin]
audience = "Early access"
max_removed = 0.3

[sync.microsoft]
audience = "Early access"
max_removed = 0.3

[sync.snapchat]
audience = "Early access"
max_removed = 0.3
*/
select person_no
from features
where spend_90d >= 500
