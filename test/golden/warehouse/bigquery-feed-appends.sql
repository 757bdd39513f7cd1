select
  `model`.`id` as `id`,
  `model`.`name` as `name`,
  `model`.`at` as `at`
from appends(table `marts`.`customers`, timestamp '2026-03-18 09:31:40.123+00', timestamp '2026-03-21 09:46:40.123+00') as `model`
where `model`.`at` is not null
order by `model`.`at` asc nulls last, `model`.`id` asc nulls last
