-- Who cannot be reached, as email tools said when they were asked, and how far each was asked. Identifiers stand as the
-- tool has them, empty where it has none; times are UTC.
create table if not exists pulled (
  destination text not null,
  email text not null,
  phone text not null,
  external_id text not null,
  reason text not null,
  -- The earliest time that was told; the time of the pull where none was.
  since text not null,
  pulled_at text not null,
  primary key (destination, email, phone, external_id, reason)
) strict, without rowid;

create table if not exists cursors (
  destination text primary key,
  -- The newest time that a pull told which was not cut short.
  newest text,
  -- When the last pull began that came to its end, and the last of these that asked for everything.
  finished_at text not null,
  whole_at text not null
) strict;
