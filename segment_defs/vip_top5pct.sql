/*
title = "Top 5 % by spend"
description = "At least 95 % of everybody who ever ordered spent less in the last 90 days."
types = ["value"]
owner = "team:loyalty"
treatment = "A personal contact, named in the e-mail, who also gets the list for calls."
universe = "customers"
min_size = 100

[goal]
metric = "spend_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31

[sync.mailchimp]
audience = "Personal contact"
max_removed = 0.4

[sync.hubspot]
audience = "Personal contact"
max_removed = 0.4

[sync.file]
audience = "personal_contact"
max_removed = 0.4
*/
select person_no
from features
where spend_rank_90d >= 0.95
