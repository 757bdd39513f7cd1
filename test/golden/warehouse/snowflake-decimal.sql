select
  "model"."id" as "id"
from "MARTS"."CUSTOMERS" as "model"
where "model"."updated_at" >= ('10.50'::number(38,2) - 2)
