select
  "model"."id" as "id"
from (
select *
from (
select * from t -- the end
) as "model"
where "model"."id" is not null
  and (
plan = 'pro' -- or
)
  and "model"."id" in (to_binary('00ff', 'hex'), to_binary('', 'hex'))
) as "model"
order by "model"."id" asc nulls last
