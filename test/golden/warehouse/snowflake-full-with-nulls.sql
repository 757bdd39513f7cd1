select
  "model"."id" as "id"
from "MARTS"."CUSTOMERS" as "model"
