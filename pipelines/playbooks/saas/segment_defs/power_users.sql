/*
title = "Power users"
description = "Signed in ten times or more in the last 28 days."
types = ["behavioural"]
owner = "team:product"
treatment = "Asked for a case study and a review; they see new features first."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "referrals_90d"
direction = "up"
target = "+5"
by = 2027-03-31

[sync.email]
audience = "See it first"
*/
select person_no
from web_events
semi join features
  using (person_no)
where event = 'login'
  and occurred_at >= $window_end - interval 28 day
group by person_no
having count(*) >= 10
