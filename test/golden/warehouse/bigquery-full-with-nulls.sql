select
  `model`.`id` as `id`
from `marts`.`customers` as `model`
