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
  and "model"."id" in (from_hex('00ff'), from_hex(''))
) as "model"
order by "model"."id" asc nulls last
