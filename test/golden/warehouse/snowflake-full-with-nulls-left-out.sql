select
  "model"."id" as "id"
from "MARTS"."CUSTOMERS" as "model"
where "model"."updated_at" is not null
