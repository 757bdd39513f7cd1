select
  "model"."id" as "id"
from "marts"."customers" as "model"
where "model"."updated_at" >= '-9223372036854775808'::bigint
