drop table features
;;
select person_no from features; drop table features
;;
select person_no from features; select person_no from features
;;
delete from features
;;
insert into features select * from features
;;
update features set spend = 0
;;
with gone as (delete from features returning person_no) select person_no from gone
;;
with new as (insert into features (person_no) values (1) returning person_no) select person_no from new
;;
with changed as (update features set spend = 0 returning person_no) select person_no from changed
;;
select person_no from features where exists (with gone as (delete from orders returning person_no) select 1 from gone)
;;
create table mine as select person_no from features
;;
create or replace view features as select 1 as person_no
;;
create macro f(x) as x + 1
;;
alter table features add column x integer
;;
truncate features
;;
merge into features using orders on features.person_no = orders.person_no when matched then delete
;;
copy features to 'people.csv'
;;
copy (select person_no from features) to 'people.parquet'
;;
copy features from 'people.csv'
;;
export database 'out'
;;
import database 'out'
;;
attach 'other.duckdb' as other
;;
detach warehouse
;;
use segment
;;
install httpfs
;;
load httpfs
;;
pragma database_list
;;
set memory_limit = '100GB'
;;
reset memory_limit
;;
call pragma_version()
;;
checkpoint
;;
vacuum
;;
begin transaction
;;
prepare p as select 1
;;
execute p
;;
explain select person_no from features
;;
explain analyze select person_no from features
;;
describe features
;;
summarize features
;;
show tables
;;
select * from (describe features)
;;
select person_no from read_csv('people.csv')
;;
select person_no from read_parquet('s3://bucket/people.parquet')
;;
select person_no from read_json_auto('https://example.com/people.json')
;;
select person_no from 'people.csv'
;;
select person_no from "/etc/passwd"
;;
select content as person_no from read_text('/etc/passwd')
;;
select 1 as person_no from glob('/*')
;;
select 1 as person_no from duckdb_settings()
;;
select 1 as person_no from duckdb_secrets()
;;
select 1 as person_no from information_schema.tables
;;
select 1 as person_no from pg_catalog.pg_tables
;;
select 1 as person_no from sqlite_master
;;
select person_no from query('select person_no from features')
;;
select person_no from query_table('features')
;;
select person_no from main.features
;;
select person_no from warehouse.main.features
;;
select person_no from segment.big_spenders
;;
select person_no from people
;;
select person_no from features at (version => 1)
;;
select person_no from features where getenv('HOME') <> ''
;;
select person_no from features where current_setting('memory_limit') <> ''
;;
select person_no from orders where ordered_at < now()
;;
select person_no from orders where ordered_at::date < current_date
;;
select person_no from orders where ordered_at < current_timestamp
;;
select person_no from orders where ordered_at < localtimestamp
;;
select person_no from orders where ordered_at::date < today()
;;
select person_no from orders where age(ordered_at) < interval 30 day
;;
select person_no from orders where ordered_at > ago(interval 30 day)
;;
select person_no from features where random() < 0.1
;;
select person_no from features where hash(person_no) % 10 = 0
;;
select person_no from features where uuid()::varchar < '8'
;;
select person_no from features using sample 10%
;;
select person_no from features tablesample reservoir (100)
;;
select person_no from features limit 100
;;
select person_no from features offset 100
;;
select person_no from features order by spend limit 100
;;
select person_no from features where person_no in (select person_no from orders limit 5)
;;
with few as (select person_no from features limit 10) select person_no from few
;;
select distinct on (segment_name) person_no from features
;;
select person_no from (select person_no, row_number() over () as n from features) where n < 10
;;
select first(person_no) as person_no from orders group by order_id
;;
select any_value(person_no) as person_no from orders group by order_id
;;
select person_no from features where spend > $threshold
;;
select person_no from features where spend > ?
;;
select person_no from features where spend > $1
;;
with recursive n (person_no) as (select 1 union all select person_no + 1 from n) select person_no from n
;;
select f.person_no from features f positional join orders o
;;
pivot orders on order_id using sum(amount)
;;
select person_no from (pivot orders on order_id using sum(amount))
;;
from (unpivot features on spend, baskets into name key value val)
;;
select person_no from features where approx_quantile(spend, 0.5) > 1
;;
select person_no, spend from features
;;
select * from features
;;
select spend from features
;;
select spend as person_no from features
;;
select person_no::varchar as person_no from features
;;
select person_no from features group by spend
;;
select person_no from feature
;;
select person_no from features where spent > 1
;;
select f.person_no from features f where o.amount > 1
;;
select person_no from features where spend > date '2017-01-01'
;;
select person_no from features where where
;;
select person_no from features where segment_name = 'open
;;
with features as (select person_no from orders) select person_no from features
;;
select pg_sleep(10) as person_no
;;
select nextval('s') as person_no
;;
select error('x') as person_no from features
;;
select write_log('x') as person_no
;;
select getvariable('x') as person_no
;;
select person_no from features where json_execute_serialized_sql('{}') is null
;;
select person_no from features where current_user = 'x'
;;
select rowid as person_no from features
;;
select person_no from features where main.abs(spend) > 1
;;
values (1)
;;
table features
;;
-- only a comment
