select
  `model`.`id` as `id`,
  `model`.`name` as `name`,
  `model`.`at` as `at`
from (
select *, rank() over (partition by `id`, if(`id` is null, to_json_string(struct(`id`, `name`, `at`)), null) order by `headrace_changed_at` desc) as `headrace_age` from (
select `id`, `name`, `at`, _CHANGE_TYPE as `headrace_change`, _CHANGE_TIMESTAMP as `headrace_changed_at`
from changes(table `marts`.`customers`, timestamp '2026-03-18 09:31:40.123+00', timestamp '2026-03-18 09:46:40.123+00')
)) as `model`
where `model`.`headrace_change` != 'DELETE' and `model`.`headrace_age` = 1
