/*
title = "Trial, active"
description = "Began a trial in the last 14 days and signed in three times or more in the last 7."
types = ["lifecycle", "behavioural"]
owner = "team:growth"
treatment = "One e-mail with the step that buyers took next, and the offer of a call with an engineer; no discount."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "second_order_rate_60d"
direction = "up"
target = "+4 points"
by = 2027-03-31

[sync.email]
audience = "Your next step"
*/
with
trials as (
  select distinct person_no
  from web_events
  where event = 'trial_started'
    and occurred_at >= $window_end - interval 14 day
)
select person_no
from web_events
semi join features
  using (person_no)
semi join trials
  using (person_no)
where event = 'login'
  and occurred_at >= $window_end - interval 7 day
group by person_no
having count(*) >= 3
