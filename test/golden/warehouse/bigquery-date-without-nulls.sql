select
  `model`.`id` as `id`
from `marts`.`customers` as `model`
where `model`.`updated_at` >= date_sub(date '2024-03-31', interval 1 day)
