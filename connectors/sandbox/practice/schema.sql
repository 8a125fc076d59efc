-- What the practice platform remembers.

create table if not exists practice_audiences (
  id integer primary key autoincrement,
  name text not null,
  marker text not null unique,
  delivery text not null,
  verdicts text not null,
  blame integer not null,
  positions text not null,
  errors_in_success integer not null,
  created_at real not null,
  size integer not null default 0
);

create table if not exists practice_members (
  audience integer not null,
  member blob not null,
  email blob,
  phone blob,
  primary key (audience, member)
) without rowid;
create index if not exists practice_members_by_email on practice_members (audience, email) where email is not null;
create index if not exists practice_members_by_phone on practice_members (audience, phone) where phone is not null;

create table if not exists practice_sessions (
  id integer primary key,
  audience integer not null,
  op text not null,
  opened_at real not null,
  last_number integer,
  status integer,
  answer text
);

-- Rows of an open session, as they came and which of them a fault refuses; forgotten when it closes.
create table if not exists practice_session_batches (
  session integer not null,
  number integer not null,
  rows text not null,
  refused text not null,
  primary key (session, number)
) without rowid;

-- The verdict is known from the start and told when the job is done; only rows that will be applied are kept.
create table if not exists practice_jobs (
  id text primary key,
  audience integer not null,
  op text not null,
  request integer not null,
  rows text not null,
  verdict text not null,
  runs_at real,
  fails integer not null,
  status text not null
);
create index if not exists practice_jobs_waiting on practice_jobs (runs_at) where status = 'queued';
