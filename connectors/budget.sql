create table if not exists account (
  only integer primary key check (only = 1),
  moment integer not null,      -- the budget's own time when the clock was read, in microseconds like every time here
  wall integer not null,        -- what the clock showed then
  ticks integer not null,
  boot text not null,
  taken integer not null,       -- turns ever given
  closed_until integer not null,
  closed_because text not null,
  seconds_each real             -- of late, for one answer
);
create table if not exists counted (
  per integer not null,         -- the window's length
  slot integer not null,        -- a sixtieth of it
  requests integer not null,
  primary key (per, slot)
) without rowid;
create table if not exists told (
  per integer primary key,
  turn integer not null         -- of the request whose answer told last what is left
);
