select
  "model"."region" as "region",
  "model"."id" as "id",
  "model"."plan" as "plan"
from (
select *
from "marts"."customers" as "model"
where "model"."region" is not null
  and "model"."id" is not null
  and "model"."updated_at" >= '2024-03-01'::date
  and "model"."updated_at" < '2024-03-31'::date
  and "model"."region" >= 'o''clock\'::varchar
  and ("model"."region" > 'o''clock\'::varchar or "model"."region" = 'o''clock\'::varchar and "model"."id" > '10.50'::DECIMAL(12,2))
order by "model"."region" asc, "model"."id" asc
limit 20000
) as "model"
where "model"."updated_at" is not null
order by "model"."region" asc nulls last, "model"."id" asc nulls last
