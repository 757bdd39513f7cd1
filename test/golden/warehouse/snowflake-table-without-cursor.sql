select
  "model"."id" as "id",
  "model"."plan" as "plan"
from "MARTS"."CUSTOMERS" as "model"
