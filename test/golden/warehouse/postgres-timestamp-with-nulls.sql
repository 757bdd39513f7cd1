select
  "model"."id" as "id"
from "marts"."customers" as "model"
where ("model"."updated_at" >= ('2024-03-31 01:59:59.999999+00'::timestamptz - interval '900000 milliseconds') or "model"."updated_at" is null)
