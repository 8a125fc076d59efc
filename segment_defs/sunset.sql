/*
title = "Sunset"
description = "Was written to in the last 180 days and clicked in none of the mails of that time. Opens do not count: machines open mails too."
types = ["behavioural", "lifecycle"]
owner = "team:crm"
treatment = "One last mail that asks whether to go on; who does not answer is written to no more, so that the others' mail arrives."
universe = "customers"

[goal]
metric = "list_click_rate"
direction = "up"
target = "+1 point"
by = 2018-03-31
*/
select person_no
from features
where emails_sent_180d >= 1
  and (days_since_email_click is null or days_since_email_click > 180)
