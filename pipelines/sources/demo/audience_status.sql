-- Synthetic: what the platforms of the advertisements might have said of their audiences' sizes.
with reported as (
  select
    destination,
    audience,
    day,
    concat_ws('|', destination, audience, day::date) as id
  from generate_series(timestamp '2017-01-01', timestamp '2017-12-31', interval 7 day) as days(day)
  cross join (values ('google'), ('meta')) as platforms(destination)
  cross join (values ('lapsed_61_180'), ('rfm_champions')) as audiences(audience)
)
select
  destination,
  audience,
  day,
  (100 + 100 * draw('audience size', id))::bigint as size,
  (80 + 20 * draw('matched', id))::bigint as matched
from reported
order by day, destination, audience
