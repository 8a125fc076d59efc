-- Everything the sandbox remembers. Addresses and hashes are in the members' and contacts' tables only.

create table if not exists requests (
  id integer primary key,
  at text not null,
  platform text not null,
  method text not null,
  path text not null,
  audience text,
  rows integer,
  status integer,
  outcome text,
  fault text,
  milliseconds real
);

create table if not exists changes (
  id integer primary key,
  at text not null,
  platform text not null,
  audience text not null,
  request integer not null,
  added integer not null,
  removed integer not null,
  size integer not null
);
create index if not exists changes_by_audience on changes (platform, audience);

create table if not exists switches (
  id integer primary key check (id = 1),
  value text not null
);

create table if not exists clock (
  id integer primary key check (id = 1),
  ahead real not null
);

create table if not exists secrets (
  name text primary key,
  value blob not null
);

create table if not exists oauth_tokens (
  platform text not null,
  token text not null,
  kind text not null,
  expires_at real not null,
  replaced_at real,
  primary key (platform, token)
) without rowid;

create table if not exists meta_audiences (
  id integer primary key,
  account text not null,
  name text not null,
  description text,
  customer_file_source text not null,
  retention_days integer,
  is_value_based integer not null default 0,
  audience_labels text not null default '[]',
  opt_out_link text,
  created_at integer not null,
  updated_at integer not null,
  content_updated_at integer,
  busy_until real not null default 0,
  size integer not null default 0,
  flagged integer not null default 0,
  replace_session integer,
  replace_failed integer not null default 0,
  deleted_at integer
);

-- A member is one row as it was sent; the four identifiers that find it again have columns of their own.
create table if not exists meta_members (
  audience integer not null,
  member blob not null,
  email blob,
  phone blob,
  madid text,
  extern_id text,
  others text not null,
  added_at integer not null,
  primary key (audience, member)
) without rowid;
create index if not exists meta_members_by_email on meta_members (audience, email) where email is not null;
create index if not exists meta_members_by_phone on meta_members (audience, phone) where phone is not null;
create index if not exists meta_members_by_madid on meta_members (audience, madid) where madid is not null;
create index if not exists meta_members_by_extern on meta_members (audience, extern_id) where extern_id is not null;

create table if not exists meta_staged (
  audience integer not null,
  member blob not null,
  email blob,
  phone blob,
  madid text,
  extern_id text,
  others text not null,
  added_at integer not null,
  primary key (audience, member)
) without rowid;

create table if not exists meta_sessions (
  account text not null,
  session_id integer not null,
  audience integer not null,
  replaces integer not null,
  schema text not null,
  started_at real not null,
  closed_at real,
  primary key (account, session_id)
) without rowid;

create table if not exists meta_session_batches (
  account text not null,
  session_id integer not null,
  batch_seq integer not null,
  received integer not null,
  invalid integer not null,
  primary key (account, session_id, batch_seq)
) without rowid;

create table if not exists mailchimp_lists (
  id text primary key,
  web_id integer not null,
  name text not null,
  created_at text not null
);

create table if not exists mailchimp_contacts (
  list_id text not null,
  hash text not null,
  contact_id text not null,
  email text not null,
  status text not null,
  left_by text check (left_by in ('self', 'api', 'bounce')),
  email_type text not null default 'html',
  language text not null default '',
  vip integer not null default 0,
  merge_fields text not null default '{}',
  interests text not null default '{}',
  marketing_permissions text not null default '[]',
  ip_signup text not null default '',
  ip_opt text not null default '',
  latitude real not null default 0,
  longitude real not null default 0,
  timestamp_signup text not null default '',
  timestamp_opt text not null default '',
  last_changed text not null,
  web_id integer not null,
  source text not null,
  primary key (list_id, hash)
);
create index if not exists mailchimp_contacts_by_id on mailchimp_contacts (list_id, contact_id);

-- Permanently deleted addresses: only the hash is kept, to refuse them for ever.
create table if not exists mailchimp_forgotten (
  list_id text not null,
  hash text not null,
  at text not null,
  primary key (list_id, hash)
) without rowid;

-- Every change of somebody's subscription, so that a resubscription can never go unseen.
create table if not exists mailchimp_status_changes (
  id integer primary key,
  at text not null,
  request integer not null,
  list_id text not null,
  hash text not null,
  before text,
  after text not null
);

create table if not exists mailchimp_segments (
  id integer primary key,
  list_id text not null,
  name text not null,
  type text not null,
  options text,
  size integer not null default 0,
  created_at text not null,
  updated_at text not null,
  unique (list_id, name)
);

create table if not exists mailchimp_segment_members (
  segment_id integer not null,
  hash text not null,
  added_at text not null,
  primary key (segment_id, hash)
) without rowid;
create index if not exists mailchimp_segment_members_by_hash on mailchimp_segment_members (hash, segment_id);

create table if not exists mailchimp_merge_fields (
  list_id text not null,
  merge_id integer not null,
  tag text not null,
  name text not null,
  type text not null,
  required integer not null default 0,
  default_value text not null default '',
  public integer not null default 1,
  display_order integer not null,
  options text not null default '{}',
  help_text text not null default '',
  primary key (list_id, merge_id),
  unique (list_id, tag)
) without rowid;

create table if not exists mailchimp_batches (
  id text primary key,
  position integer not null,
  status text not null,
  operations text not null,
  total_operations integer not null,
  finished_operations integer not null default 0,
  errored_operations integer not null default 0,
  submitted_at text not null,
  completed_at text,
  results blob
);

-- What a fault has in store for a batch, by the sandbox's clock; starts_at is null when it never starts.
create table if not exists mailchimp_batch_fates (
  batch text primary key,
  starts_at real,
  fails integer not null
);
