select
  "model"."id" as "id"
from "MARTS"."CUSTOMERS" as "model"
where ("model"."updated_at" >= dateadd('millisecond', -900000, '2024-03-31 01:59:59.999999 +00:00'::timestamp_ltz) or "model"."updated_at" is null)
