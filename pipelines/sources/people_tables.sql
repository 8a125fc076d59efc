-- The numbers of people are given once and never again to anybody else.
create table if not exists person_numbers (
  person_id varchar not null,
  person_no integer not null
);

create table if not exists people (
  person_no integer not null,
  person_id varchar not null,
  email varchar,
  phone varchar,
  first_name varchar,
  last_name varchar,
  gender varchar,
  birth_date varchar,
  street varchar,
  city varchar,
  state varchar,
  postal_code varchar,
  country varchar,
  language varchar,
  region varchar,
  external_id varchar,
  mobile_ad_id varchar,
  granted varchar[] not null,
  suppressed varchar,
  revision bigint not null,
  email_sha256 varchar
);

-- A warehouse that was made before addresses could come as digests.
alter table people add column if not exists email_sha256 varchar;

create table if not exists consents (
  person_no integer not null,
  purpose varchar not null,
  granted boolean not null,
  changed_at timestamp not null,
  source varchar
);

create table if not exists suppressions (
  person_no integer,
  email varchar,
  phone varchar,
  reason varchar not null,
  since timestamp not null,
  source varchar,
  pulled boolean
);

-- A warehouse that was made before email tools were asked.
alter table suppressions add column if not exists pulled boolean;
