select
  `model`.`"; drop table x; --` as `"; drop table x; --`,
  `model`.`__proto__` as `__proto__`
from `marts`.`odd."name` as `model`
order by `model`.`"; drop table x; --` asc nulls last
