/*
title = "Reactivated"
description = "An order of the last 14 days ended a silence of 60 days or more."
types = ["lifecycle"]
owner = "team:crm"
treatment = "A thank-you and one question: what brought you back?"
universe = "customers"
min_size = 50

[goal]
metric = "retention_90d"
direction = "up"
target = "+3 points"
by = 2018-03-31
*/
select person_no
from features
where silence_ended_14d >= 60
