-- The journal: what was planned, sent and answered, by whom it was allowed, and what became of it.
-- No identifier is kept here; a member is named by the digest that the ledger keys it with.
create table if not exists audiences (
  destination text not null,
  segment text not null,
  external_id text not null,
  name text not null,
  url text,
  marker text not null,
  opened_at text not null,
  primary key (destination, segment)
) strict;

create table if not exists batches (
  id text primary key,
  destination text not null,
  segment text not null,
  run_id text not null,
  op text not null check (op in ('add', 'remove')),
  number integer not null,
  total integer not null,
  size integer not null,
  as_of text,
  state text not null check (
    state in ('planned', 'sent', 'applied', 'accepted', 'refused', 'unknown', 'doubted', 'void')
  ),
  planned_at text not null,
  sent_at text,
  settled_at text,
  reference text,
  rejected_unlocated integer not null default 0,
  error text
) strict;

create index if not exists batches_by_audience on batches (destination, segment, state);

create table if not exists rejections (
  destination text not null,
  segment text not null,
  batch text not null,
  member text not null,
  reason text not null
) strict;

create index if not exists rejections_by_batch on rejections (batch);

create table if not exists pushes (
  id integer primary key,
  run_id text not null,
  destination text not null,
  segment text not null,
  as_of text,
  started_at text not null,
  ended_at text,
  report text
) strict;

create index if not exists pushes_by_audience on pushes (destination, segment, id);

create table if not exists decisions (
  at text not null,
  destination text not null,
  segment text not null,
  run_id text not null,
  decision text not null,
  who text not null,
  why text not null
) strict;

create table if not exists erasures (
  at text not null,
  destination text not null,
  segment text not null,
  run_id text not null,
  people integer not null
) strict;

-- The mark of the ledger that this journal was last used with; each use gives it a new one.
create table if not exists lineages (
  destination text primary key,
  mark text not null
) strict;

-- Audiences that an operator put on hold; ``undoes`` is the moment, in the ledger's history, of the push taken back.
create table if not exists holds (
  destination text not null,
  segment text not null,
  at text not null,
  who text not null,
  why text not null,
  undoes text,
  primary key (destination, segment)
) strict;

-- Sealed plans by what they were applied to; without an end, the plan goes on where it stopped.
create table if not exists applied_plans (
  seal text not null,
  destination text not null,
  segment text not null,
  run_id text not null,
  who text not null,
  began_at text not null,
  ended_at text,
  primary key (seal, destination, segment)
) strict;

-- What platforms reported of their audiences' sizes, against what was held.
create table if not exists reconciliations (
  at text not null,
  destination text not null,
  segment text not null,
  held integer not null,
  lower integer,
  upper integer,
  verdict text not null,
  status text not null
) strict;

create index if not exists reconciliations_by_audience on reconciliations (destination, segment, at);

-- How the lists of members that platforms gave differed from the ledger, by kind.
create table if not exists member_drift (
  at text not null,
  destination text not null,
  segment text not null,
  policy text not null,
  verdict text not null,
  listed integer not null,
  agreed integer not null,
  missing integer not null,
  gone integer,
  added_by_hand integer not null,
  not_permitted integer not null,
  unnamed integer not null,
  unsettled integer not null,
  doubted integer not null,
  taken_up integer not null,
  status text not null
) strict;

create index if not exists member_drift_by_audience on member_drift (destination, segment, at);
