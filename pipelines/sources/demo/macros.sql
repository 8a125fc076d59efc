-- A number in [0, 1) that belongs to this field of this id for ever, on every machine.
create or replace temp macro draw(field, id) as
  ('0x' || substr(sha256(concat_ws('|', getvariable('demo_seed'), field, id)), 1, 13))::ubigint / 4503599627370496.0;

-- One item of a list, each as likely as the other.
create or replace temp macro pick(items, field, id) as
  items[1 + floor(draw(field, id) * len(items))::integer];

-- A moment of 2017, not before another one.
create or replace temp macro moment(field, id, not_before) as
  greatest(
    timestamp '2017-01-01 08:00:00' + to_seconds(floor(draw(field, id) * 364 * 86400)::bigint),
    not_before + interval 1 day
  );

-- A file of the installed package.
create or replace temp macro demo_file(name) as
  getvariable('demo_folder') || '/' || name || '.parquet';
