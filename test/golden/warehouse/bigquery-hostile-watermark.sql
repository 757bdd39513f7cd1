select
  `model`.`id` as `id`
from `marts`.`customers` as `model`
where `model`.`updated_at` >= datetime '\\\'; drop table x; --'
