select
  to_varchar("model"."ID") as "c0"
from "T" as "model"
where "model"."ID" >= ('-9223372036854775808'::number(38,0) - 5)
