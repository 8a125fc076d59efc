-- One file per destination account. No keys and no indexes: state is written in bulk, in proportion to the
-- change, and read by one scan. The handle columns of `members` are added from the connector's identity.
create table if not exists meta (key varchar, value varchar);

create table if not exists audiences (audience integer, segment varchar);

create table if not exists batches (batch integer, id varchar);

create table if not exists identities (person_no integer, member uuid, refused varchar);

-- `attributes` is the digest of what was last sent of the person besides their identifiers.
create table if not exists members (
  audience integer, member uuid, person_no integer, batch integer, attributes uuid
);

alter table members add column if not exists attributes uuid;

-- The platform's own ids of people, where it adds or removes by them.
create table if not exists remote_ids (member uuid, remote_id varchar, learned_at timestamp);

-- Of each desired member, what the tool is to know besides; made for each push that carries attributes.
create or replace temp table attributes_wanted (member uuid, attributes varchar, digest uuid);

-- Of one push, the people whom its audience leaves out; made for each push.
create or replace temp table left_out (person_no integer);

-- Of the people of one push, those who are held out, and why; made for each push.
create or replace temp table held_out (person_no integer, reason varchar);

-- Members for whom opposite requests were sent within the time in which a late copy of the earlier one (`batch`)
-- may still be applied.
create table if not exists settling (audience integer, member uuid, batch integer);

-- Which row of an accepted batch is whose, until its verdict comes.
create table if not exists positions (batch integer, ordinal integer, member uuid);

-- Who was sent for what, and why; append only, kept for a declared time. Whether it was applied, the journal knows.
create table if not exists history (
  audience integer, moment timestamp, op varchar, why varchar, member uuid, person_no integer, batch integer
);

-- Everybody for whom a member was recorded that is not theirs any more, or not permitted; a few more do no harm.
create table if not exists moved (person_no integer);

-- Members whom a comparison found on the platform though nobody here had sent them, until they are taken out (`batch`
-- is what they point at while they are only found). Who is `erased` has no number here, and must go all the same.
create table if not exists found (audience integer, member uuid, batch integer, erased boolean);
