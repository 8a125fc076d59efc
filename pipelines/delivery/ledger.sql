-- One file per destination account. No keys and no indexes: state is written in bulk, in proportion to the
-- change, and read by one scan. The handle columns of `members` are added from the connector's identity.
create table if not exists meta (key varchar, value varchar);

create table if not exists audiences (audience integer, segment varchar);

create table if not exists batches (batch integer, id varchar);

create table if not exists identities (person_no integer, member uuid, refused varchar);

create table if not exists members (audience integer, member uuid, person_no integer, batch integer);

-- Everybody for whom a member was recorded that is not theirs any more, or not permitted; a few more do no harm.
create table if not exists moved (person_no integer);
