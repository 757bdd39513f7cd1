select
  `model`.`id` as `id`
from `marts`.`customers` as `model`
where `model`.`updated_at` >= (parse_numeric('10.50') - parse_numeric('2'))
