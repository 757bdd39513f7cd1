select
  "model"."id" as "id"
from "marts"."customers" as "model"
where "model"."updated_at" >= '9007199254740992'::bigint
