select
  "model"."id" as "id"
from "marts"."customers" as "model"
where "model"."updated_at" >= ('10.50'::DECIMAL(12,2) - 2)
