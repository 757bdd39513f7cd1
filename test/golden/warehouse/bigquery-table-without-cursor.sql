select
  `model`.`id` as `id`,
  `model`.`plan` as `plan`
from `marts`.`customers` as `model`
