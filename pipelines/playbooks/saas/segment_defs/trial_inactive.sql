/*
title = "Trial, stuck"
description = "Began a trial in the last 14 days and did not sign in during the last 5."
types = ["lifecycle", "behavioural"]
owner = "team:growth"
treatment = "A short film of the first five minutes, by e-mail, then a call by a person; the others get neither."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "retention_90d"
direction = "up"
target = "+5 points"
by = 2027-03-31

[sync.email]
audience = "Five minutes"
*/
select distinct person_no
from web_events as trials
semi join features
  using (person_no)
where event = 'trial_started'
  and occurred_at >= $window_end - interval 14 day
  and not exists (
    from web_events as logins
    where logins.person_no = trials.person_no
      and logins.event = 'login'
      and logins.occurred_at >= $window_end - interval 5 day
  )
