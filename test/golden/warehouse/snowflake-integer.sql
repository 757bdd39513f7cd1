select
  "model"."id" as "id"
from "MARTS"."CUSTOMERS" as "model"
where "model"."updated_at" >= '9007199254740992'::number(38,0)
