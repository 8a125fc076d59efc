-- Erasure requests, their random subjects, the tombstones and what was done. Nothing here identifies anybody without
-- the key, which is a file of its own.
create table if not exists requests (
  id text primary key,
  fingerprint text not null unique,
  asked_at text not null,
  who text not null,
  why text not null,
  -- The tombstones are written and nothing identifies its people here any more: it goes on without its file.
  is_buried integer not null default 0,
  is_complete integer not null default 0
) strict;

create table if not exists subjects (
  reference text primary key,
  request text not null,
  number integer not null
) strict;

-- `is`: whoever bears it is the erased person. `had`: an identifier of theirs, which somebody else may have too.
create table if not exists tombstones (
  digest text primary key,
  meaning text not null check (meaning in ('is', 'had')),
  subject text not null
) strict;

create table if not exists outcomes (
  request text not null,
  subject text not null,
  destination text not null,
  segment text not null,
  audience text not null,
  state text not null check (state in ('open', 'waiting', 'settling', 'removed', 'gone')),
  receipt text not null,
  at text not null,
  note text not null,
  primary key (request, subject, destination, segment)
) strict;

create table if not exists deletions (
  request text not null,
  place text not null,
  rows integer not null,
  primary key (request, place)
) strict;
