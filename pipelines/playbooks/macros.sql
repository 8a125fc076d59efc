-- What the packs' samples are drawn with: the same people on every machine, with times that end before the day.

-- A number in [0, 1) that belongs to this field of this id for ever.
create or replace temp macro draw(field, id) as
  ('0x' || substr(sha256(concat_ws('|', getvariable('pack'), field, id)), 1, 13))::ubigint / 4503599627370496.0;

-- A whole number from low to high, both included.
create or replace temp macro between_whole(low, high, field, id) as
  low + floor(draw(field, id) * (high - low + 1))::integer;

-- One item of a list, each as likely as the other.
create or replace temp macro pick(items, field, id) as
  items[1 + floor(draw(field, id) * len(items))::integer];

-- A moment of opening hours, so many days before the day on which the project begins.
create or replace temp macro days_ago(days, field, id) as
  getvariable('today')::timestamp - to_days(days) + interval 8 hour
  + to_minutes(floor(draw(field, id) * 720)::integer);

create or replace temp macro first_name(id) as
  pick(['Ada', 'Bruno', 'Carla', 'Dario', 'Edith', 'Felix', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Kira', 'Luis',
    'Mona', 'Nils', 'Olga', 'Pablo', 'Rosa', 'Simon', 'Tessa', 'Viktor'], 'first_name', id);

create or replace temp macro last_name(id) as
  pick(['Adler', 'Brandt', 'Castro', 'Duval', 'Evans', 'Frost', 'Garcia', 'Hansen', 'Ibsen', 'Jensen', 'Keller',
    'Lopez', 'Moreau', 'Novak', 'Olsen', 'Perez', 'Quinn', 'Rossi', 'Santos', 'Weber'], 'last_name', id);

-- Addresses at a domain that is reserved for examples (RFC 2606), each person's own.
create or replace temp macro address(id) as
  lower(first_name(id) || '.' || last_name(id)) || '.' || id || '@example.com';

-- Numbers that are reserved for fiction: 555-0100 to 555-0199 of an area code.
create or replace temp macro number_of(id, area_codes) as
  '+1 ' || area_codes[1 + id % len(area_codes)] || ' 555 01' || lpad(((id // len(area_codes)) % 100)::varchar, 2, '0');
