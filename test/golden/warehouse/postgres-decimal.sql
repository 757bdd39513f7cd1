select
  "model"."id" as "id"
from "marts"."customers" as "model"
where "model"."updated_at" >= ('10.50'::numeric - 2::numeric)
