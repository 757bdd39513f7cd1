-- rows
select substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16), m.hash, null, null, m.c0, m.c1, m.c2, m.c3, m.c4
from (
  select
    substr(sha256(record_send(row('raw salt'::text, trim_scale("model"."tenant"), "model"."customer ""id""", to_json("model"."tags")::text, ("model"."period")::text))), 1, 16) as hash, clock_timestamp(),
    trim_scale("model"."tenant") as c0,
    "model"."customer ""id""" as c1,
    to_json("model"."tags")::text as c2,
    "model"."period" as c3,
    "model"."updated_at" as c4,
    "model"."updated_at" as o0,
    "model"."tenant" as o1
  from (
select * from customers -- all;
) as "model"
  where "model"."updated_at" >= ('2026-11-24 00:00:00+00'::timestamptz - interval '900000 milliseconds')
) as m
order by m.o0 asc nulls last, m.o1 asc nulls last;

-- totals
select count(*)::text as rows, max("model"."updated_at") filter (where "model"."updated_at" >= '0001-01-01'::timestamptz and "model"."updated_at" < '10000-01-01'::timestamptz and "model"."updated_at" <= '2026-11-25 10:00:00+00'::timestamptz)::text as highest, max("model"."updated_at")::text as any_cursor
  from (
select * from customers -- all;
) as "model"
  where "model"."updated_at" >= ('2026-11-24 00:00:00+00'::timestamptz - interval '900000 milliseconds');

-- known
select verdict::int as verdict, count(*)::text as rows from "headrace"."customer_plan_rows" group by verdict;

-- missing
select r.handle, r.ordinal, r.verdict from "headrace"."customer_plan_rows" as r
where not exists (
  select 1 from (select trim_scale("model"."tenant") as c0, "model"."customer ""id""" as c1
  from (
select * from customers -- all;
) as "model"
  where "model"."updated_at" >= ('2026-11-24 00:00:00+00'::timestamptz - interval '900000 milliseconds')) as m where r.handle = substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16)
);

-- repeated
select substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16), m.hash, null, null, m.c0, m.c1, m.c2, m.c3, m.c4
from (
  select
    substr(sha256(record_send(row('raw salt'::text, trim_scale("model"."tenant"), "model"."customer ""id""", to_json("model"."tags")::text, ("model"."period")::text))), 1, 16) as hash, clock_timestamp(),
    trim_scale("model"."tenant") as c0,
    "model"."customer ""id""" as c1,
    to_json("model"."tags")::text as c2,
    "model"."period" as c3,
    "model"."updated_at" as c4,
    "model"."updated_at" as o0,
    "model"."tenant" as o1
  from (
select * from customers -- all;
) as "model"
  where "model"."updated_at" >= ('2026-11-24 00:00:00+00'::timestamptz - interval '900000 milliseconds')
) as m
where substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16) in (select substr(sha256(record_send(row( E'key ''\\salt'::text, m.c0, m.c1))), 1, 16) from (select trim_scale("model"."tenant") as c0, "model"."customer ""id""" as c1
  from (
select * from customers -- all;
) as "model"
  where "model"."updated_at" >= ('2026-11-24 00:00:00+00'::timestamptz - interval '900000 milliseconds')) as m group by 1 having count(*) > 1 limit 5)
limit 20;
