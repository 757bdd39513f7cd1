select
  `model`.`id` as `id`
from `marts`.`customers` as `model`
where `model`.`updated_at` >= cast('-9223372036854775808' as int64)
