/*
title = "Affluent households"
description = "The household's yearly income band begins at 100,000 or more. Known for a third of households only, and those buy more than the others: a bias to keep in mind when reading results."
types = ["demographic"]
owner = "team:crm"
treatment = "Shown the premium range; no discounts, which only cost margin here."
universe = "customers"
min_size = 100

[goal]
metric = "premium_share_90d"
direction = "up"
target = "+2 points"
by = 2018-03-31

[sync.meta]
audience = "Premium range"
max_removed = 0.2

[sync.linkedin]
audience = "Premium range"
max_removed = 0.2

[sync.pinterest]
audience = "Premium range"
max_removed = 0.2
*/
select person_no
from features
where income_from >= 100000
