/*
title = "Silent subscribers"
description = "Five or more e-mails in 180 days and no click in that time."
types = ["behavioural"]
owner = "team:crm"
treatment = "One question by e-mail, whether they want to stay; without an answer they get nothing for half a year."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "contact_cost_90d"
direction = "down"
target = "-10 %"
by = 2027-03-31

[sync.email]
audience = "Still interested"
*/
select person_no
from features
where emails_sent_180d >= 5
  and coalesce(days_since_email_click, 999) > 180
  and coalesce(days_since_last_order, 999) > 30
