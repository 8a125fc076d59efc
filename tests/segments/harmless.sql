select person_no from features where spend > 400
;;
select person_no from features;
;;
select f.person_no from features as f where f.spend >= 100 and f.baskets < 5
;;
from features select person_no where spend > 1
;;
select distinct person_no from orders where ordered_at >= $window_end - interval 90 day
;;
select person_no from orders where ordered_at < $window_end group by person_no having count(*) >= 2
;;
with recent as (
  select person_no, count(*) as orders, sum(amount) as spend
  from orders
  where ordered_at >= $window_end - interval '30 days'
  group by all
)
select person_no from recent where orders >= 3 and spend / orders > 20
;;
with a as (select person_no from features), b as (select person_no from orders) select person_no from a union select person_no from b
;;
select person_no from features except select person_no from orders
;;
select person_no from features intersect all select person_no from orders
;;
select person_no from features union all by name select person_no from orders
;;
select person_no from features semi join orders using (person_no)
;;
select person_no from features anti join orders using (person_no)
;;
select f.person_no from features f left join orders o on o.person_no = f.person_no and o.ordered_at > $window_end - interval 1 year where o.person_no is null
;;
select f.person_no from features f inner join orders o using (person_no) inner join products p on p.product_id = o.order_id
;;
select person_no from features where person_no in (select person_no from orders where amount > 10)
;;
select person_no from features f where exists (select 1 from orders o where o.person_no = f.person_no)
;;
select person_no from features f where not exists (from orders o where o.person_no = f.person_no)
;;
select person_no from features where spend > (select avg(spend) from features)
;;
select person_no from features where spend > (select quantile_cont(spend, 0.95) from features)
;;
with ranked as (select person_no, ntile(5) over (order by spend, person_no) as score from features) select person_no from ranked where score = 5
;;
select person_no from features qualify row_number() over (order by spend desc, person_no) <= 100
;;
with last_order as (select person_no, max(ordered_at) as at_time from orders group by person_no) select person_no from last_order where date_diff('day', at_time, $window_end) between 31 and 60
;;
select person_no from features order by spend desc, person_no limit 100
;;
select person_no from features order by spend desc, person_no limit 100 offset 10
;;
select person_no from features order by person_no
;;
select person_no from features where as_of = $as_of
;;
select person_no from features where spend between 10 and 20 or baskets in (1, 2, 3)
;;
select person_no from features where coalesce(spend, 0) > 0 and nullif(baskets, 0) is not null
;;
select person_no from features where case when baskets > 3 then spend > 10 else spend > 100 end
;;
select person_no from features where spend is distinct from 3
;;
select person_no from features where not (spend > 3) and baskets is not null
;;
select person_no from features where segment_name like 'gold%' and segment_name not ilike '%test%'
;;
select person_no from features where segment_name ~ '^g.*d$' or regexp_matches(segment_name, 'x')
;;
select person_no from features where lower(trim(segment_name)) = 'gold' and length(segment_name) > 2
;;
select person_no from features where segment_name[1:2] = 'go' and left(segment_name, 2) || 'x' = 'gox'
;;
select person_no from features where list_contains(interests, 'wine') and len(interests) > 2
;;
select person_no from features where list_has_any(interests, ['wine', 'beer'])
;;
select person_no from features, unnest(interests) as u (interest) where interest = 'wine'
;;
select person_no from (select person_no, unnest(interests) as interest from features) where interest = 'wine'
;;
select person_no from features where len(list_filter(interests, lambda x: x like 'w%')) > 0
;;
select person_no from features where len([x for x in interests if x = 'wine']) > 0
;;
select person_no from orders where extract(dow from ordered_at) in (0, 6)
;;
select person_no from orders where date_trunc('month', ordered_at) = date_trunc('month', $as_of)
;;
select person_no from orders where hour(ordered_at) >= 18 group by person_no having count(*) * 1.0 / count(distinct order_id) > 0.6
;;
select person_no from orders group by person_no having count(*) filter (where amount > 10) >= 2
;;
select person_no from orders group by person_no having sum(case when amount > 10 then 1 else 0 end) >= 2 and min(ordered_at) < $window_end - interval 60 day
;;
select person_no from orders where cast(ordered_at as date) = date '2017-12-24' or ordered_at::date = '2017-12-25'
;;
select person_no from features where try_cast(segment_name as integer) > 3
;;
select person_no from features where (spend * 100) // 7 % 2 = 1 and -spend < 0 and spend ** 2 > 4
;;
select person_no from features where round(spend, 1) > 3 and floor(spend) > 2 and ceil(spend) > 2 and abs(spend) > 1 and ln(spend + 1) > 1
;;
select person_no from features where greatest(spend, baskets) > 3 and least(spend, baskets) < 9
;;
/* leading comment */ select person_no -- trailing comment; with a semicolon
from features /* another ; one */
;;
select "person_no" from "features" where "spend" > 1
;;
SELECT Person_No AS person_no FROM Features WHERE SPEND > 1
;;
select features.person_no from features
;;
with a as (select person_no, spend from features), b as (select person_no from a where spend > 1) select person_no from b
;;
with a as materialized (select person_no from features) select person_no from a
;;
select person_no from (select person_no, row_number() over (partition by order_id order by ordered_at, person_no) as n from orders) as numbered where n = 1
;;
select person_no from (select person_no, lag(ordered_at) over (partition by person_no order by ordered_at) as before, ordered_at from orders) where ordered_at - before > interval 60 day
;;
select person_no from orders group by person_no having arg_max(amount, ordered_at) > 10 and string_agg(order_id, ',' order by order_id) <> ''
;;
select person_no from features cross join (select avg(spend) as mean from features) as average where spend > mean
;;
select f.person_no from features f join lateral (select count(*) as n from orders o where o.person_no = f.person_no) as counted on counted.n > 1
;;
select person_no from features where segment_name = 'now() is not a call' and segment_name <> 'drop table features; --'
;;
select person_no from features where spend > all (select amount from orders) or spend = any (select amount from orders)
;;
select person_no from orders where ordered_at >= make_timestamp(2017, 12, 1, 0, 0, 0) and isodow(ordered_at) = 2
;;
select person_no from orders group by person_no having median(amount) > 3 and stddev_pop(amount) < 2 and bool_or(amount > 4)
;;
select person_no from (values (1), (2)) as chosen (person_no)
;;
select person_no from orders where ordered_at > last_day($as_of) - to_days(40) or year(ordered_at) = 2017
;;
select person_no from features where (spend, baskets) = (3, 4)
;;
select max(person_no) as person_no from orders group by order_id
;;
select f.person_no from features f asof join orders o on f.person_no = o.person_no and f.as_of >= o.ordered_at
;;
with days as (select unnest(generate_series($window_end - interval 7 day, $window_end, interval 1 day)) as d) select person_no from orders join days on date_trunc('day', ordered_at) = d
