-- Synthetic: two audiences at two platforms, every day of the year.
with running as (
  select
    destination,
    audience,
    day,
    concat_ws('|', destination, audience, day::date) as id
  from generate_series(timestamp '2017-01-01', timestamp '2017-12-31', interval 1 day) as days(day)
  cross join (values ('google'), ('meta')) as platforms(destination)
  cross join (values ('lapsed_61_180'), ('rfm_champions')) as audiences(audience)
)
select
  destination,
  audience,
  day,
  (10 + 20 * draw('ad spend', id))::decimal(18, 2) as spend,
  (2000 + 3000 * draw('impressions', id))::bigint as impressions,
  (20 + 60 * draw('clicks', id))::bigint as clicks,
  floor(4 * draw('conversions', id))::double as conversions
from running
order by day, destination, audience
