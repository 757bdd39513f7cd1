select
  "model"."id" as "id"
from "MARTS"."CUSTOMERS" as "model"
where "model"."updated_at" >= dateadd('millisecond', -86400000, '2024-03-31'::date)
