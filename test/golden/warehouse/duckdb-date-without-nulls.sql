select
  "model"."id" as "id"
from "marts"."customers" as "model"
where "model"."updated_at" >= ('2024-03-31'::date - interval '86400000 milliseconds')
