-- Audiences, members and jobs of the ad platforms. A member is what a request named as one: a set of identifiers.

create table if not exists ad_audiences (
  platform text not null,
  id text not null,
  account text not null,
  name text not null,
  document text not null,
  created_at real not null,
  changed_at real not null,
  size integer not null default 0,
  primary key (platform, id)
) without rowid;

create table if not exists ad_numbers (
  platform text primary key,
  last integer not null
) without rowid;

create table if not exists ad_members (
  platform text not null,
  audience text not null,
  member blob not null,
  identifiers text not null,
  added_at real not null,
  expires_at real,
  primary key (platform, audience, member)
) without rowid;
create index if not exists ad_members_ending on ad_members (platform, expires_at) where expires_at is not null;

create table if not exists ad_identifiers (
  platform text not null,
  audience text not null,
  identifier blob not null,
  member blob not null,
  primary key (platform, audience, identifier, member)
) without rowid;

-- The verdict is known from the start and told when the job is done; only members that will be applied are kept.
create table if not exists ad_jobs (
  id text primary key,
  platform text not null,
  audience text not null,
  op text not null,
  request integer not null,
  members text not null,
  lifetime real,
  added_before real,
  verdict text not null,
  runs_at real,
  fails integer not null,
  status text not null
) without rowid;
create index if not exists ad_jobs_waiting on ad_jobs (platform, runs_at) where status = 'queued';

-- What a platform keeps besides audiences and members.
create table if not exists ad_records (
  platform text not null,
  kind text not null,
  key text not null,
  document text not null,
  primary key (platform, kind, key)
) without rowid;
