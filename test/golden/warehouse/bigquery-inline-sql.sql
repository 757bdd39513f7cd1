select
  `model`.`id` as `id`,
  `model`.`plan` as `plan`
from (
select id, 'a;b' as plan from t -- the end;
) as `model`
order by `model`.`plan` asc nulls last, `model`.`id` asc nulls last
