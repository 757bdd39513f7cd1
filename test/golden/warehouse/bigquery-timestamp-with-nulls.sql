select
  `model`.`id` as `id`
from `marts`.`customers` as `model`
where (`model`.`updated_at` >= timestamp_sub(timestamp '2024-03-31 01:59:59.999999+00', interval 900000 millisecond) or `model`.`updated_at` is null)
