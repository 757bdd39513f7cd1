-- rows
select case when m.hash is null then r.handle else substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16) end, m.hash, r.ordinal, r.verdict, m.c0, m.c1, m.c2, m.c3
from (
  select
    substr(sha256(record_send(row('raw salt'::text, trim_scale("model"."tenant"), "model"."customer ""id""", to_json("model"."tags")::text, ("model"."period")::text))), 1, 16) as hash, clock_timestamp(),
    trim_scale("model"."tenant") as c0,
    "model"."customer ""id""" as c1,
    to_json("model"."tags")::text as c2,
    "model"."period" as c3
  from "marts"."customers" as "model"
) as m
full join "headrace"."customer_plan_rows" as r on r.raw = m.hash
where m.hash is null or r.handle is null;

-- totals
select count(*)::text as rows, null::text as highest, null::text as any_cursor
  from "marts"."customers" as "model";

-- known
select verdict::int as verdict, count(*)::text as rows from "headrace"."customer_plan_rows" group by verdict;

-- missing
select r.handle, r.ordinal, r.verdict from "headrace"."customer_plan_rows" as r
where not exists (
  select 1 from (select trim_scale("model"."tenant") as c0, "model"."customer ""id""" as c1
  from "marts"."customers" as "model") as m where r.handle = substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16)
);

-- repeated
select substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16), m.hash, null, null, m.c0, m.c1, m.c2, m.c3
from (
  select
    substr(sha256(record_send(row('raw salt'::text, trim_scale("model"."tenant"), "model"."customer ""id""", to_json("model"."tags")::text, ("model"."period")::text))), 1, 16) as hash, clock_timestamp(),
    trim_scale("model"."tenant") as c0,
    "model"."customer ""id""" as c1,
    to_json("model"."tags")::text as c2,
    "model"."period" as c3
  from "marts"."customers" as "model"
) as m
where substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16) in (select substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16) from (select trim_scale("model"."tenant") as c0, "model"."customer ""id""" as c1
  from "marts"."customers" as "model") as m group by 1 having count(*) > 1 limit 5)
limit 20;
