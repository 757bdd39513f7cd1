select
  "model"."id" as "id"
from "MARTS"."CUSTOMERS" as "model"
where "model"."updated_at" >= '-9223372036854775808'::number(38,0)
