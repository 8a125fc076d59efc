-- People, lists and jobs of the email and CRM tools. A person's id is the tool's own, in the form that it has there.

create table if not exists email_people (
  tool text not null,
  id text not null,
  email text,
  phone text,
  external_id text,
  attributes text not null default '{}',
  created_at real not null,
  changed_at real not null,
  primary key (tool, id)
) without rowid;
-- Not unique: some tools know several people by one address.
-- These end in the order that people are looked for in: SQLite would not use them otherwise.
create index if not exists email_people_by_email on email_people (tool, email, created_at, id)
where email is not null;
create index if not exists email_people_by_phone on email_people (tool, phone, created_at, id)
where phone is not null;
create unique index if not exists email_people_by_external on email_people (tool, external_id)
where external_id is not null;

-- What a person has agreed to, by channel, and every change of it: nobody's may ever get wider by a sync.
create table if not exists email_consent (
  tool text not null,
  person text not null,
  channel text not null,
  state text not null,
  primary key (tool, person, channel)
) without rowid;

create table if not exists email_consent_changes (
  id integer primary key,
  tool text not null,
  person text not null,
  channel text not null,
  before text not null,
  after text not null,
  request integer not null,
  at real not null
);

-- Addresses that a tool does not write to, whoever they belong to: unsubscribed, bounced, complained, blocked.
create table if not exists email_suppressions (
  tool text not null,
  email text not null,
  kind text not null,
  at real not null,
  primary key (tool, email, kind)
) without rowid;

create table if not exists email_lists (
  tool text not null,
  id text not null,
  name text not null,
  document text not null,
  created_at real not null,
  size integer not null default 0,
  primary key (tool, id)
) without rowid;

-- Where lists lie, for tools that have folders.
create table if not exists email_folders (
  tool text not null,
  id integer not null,
  name text not null,
  primary key (tool, id)
) without rowid;

create table if not exists email_numbers (
  tool text primary key,
  last integer not null
) without rowid;

create table if not exists email_members (
  tool text not null,
  list text not null,
  person text not null,
  number integer not null,
  added_at real not null,
  primary key (tool, list, person)
) without rowid;
create index if not exists email_members_by_person on email_members (tool, person);
create index if not exists email_members_by_number on email_members (tool, number);

create table if not exists email_fields (
  tool text not null,
  id text not null,
  name text not null,
  document text not null,
  created_at real not null,
  primary key (tool, id)
) without rowid;

-- A request that is taken now and done later, by the sandbox's clock.
create table if not exists email_jobs (
  id text primary key,
  tool text not null,
  kind text not null,
  request integer not null,
  payload text not null,
  result text not null default '{}',
  runs_at real,
  fails integer not null,
  status text not null
) without rowid;
create index if not exists email_jobs_waiting on email_jobs (tool, runs_at) where status = 'queued';
