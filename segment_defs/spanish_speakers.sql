/*
title = "Spanish speakers"
description = "Want to be spoken to in Spanish."
types = ["demographic", "geographic"]
owner = "team:crm"
treatment = "Mails, pages and ads in Spanish, and the help desk's Spanish line; everybody else gets English."
universe = "customers"

[goal]
metric = "click_rate"
direction = "up"
target = "+2 points"
by = 2018-03-31
*/
select person_no
from features
where language = 'es'
