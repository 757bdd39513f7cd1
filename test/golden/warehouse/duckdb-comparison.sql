-- rows
select coalesce(r.handle, unhex(left(sha256('key '' salt["DOUBLE","VARCHAR"]' || m.row_key), 32))), m.row_hash, r.ordinal, r.verdict, m.f0
from (
  select
    unhex(left(sha256('raw salt["DOUBLE","VARCHAR","VARCHAR[]"]' || concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n'), coalesce(strlen(to_json("model"."tags")::varchar)::varchar || ':' || to_json("model"."tags")::varchar, 'n'))), 32)) as row_hash,
    concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n')) as row_key,
    encode(concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n'), coalesce(strlen(to_json("model"."tags")::varchar)::varchar || ':' || to_json("model"."tags")::varchar, 'n'), coalesce(strlen("model"."updated_at"::varchar)::varchar || ':' || "model"."updated_at"::varchar, 'n'))) as f0
  from "marts"."customers" as "model"
) as m
full join "headrace view shop.customer-plan"."headrace"."customer_plan_bbcd4ea6_rows" as r on r.raw = m.row_hash
where m.row_hash is null or r.handle is null;

-- totals
select "model"."n" as n, "model"."highest"::varchar as highest, "model"."any_cursor"::varchar as any_cursor
from (
  select count(*) as "n", max(case when "model"."updated_at" >= '0001-01-01 00:00:00+00'::timestamptz and "model"."updated_at" <= '2026-11-25 10:00:00+00'::timestamptz then "model"."updated_at" end) as "highest", max("model"."updated_at") as "any_cursor"
  from "marts"."customers" as "model"
) as "model";

-- known
select verdict, count(*) from "headrace view shop.customer-plan"."headrace"."customer_plan_bbcd4ea6_rows" group by verdict;

-- missing
select r.handle, r.ordinal, r.verdict from "headrace view shop.customer-plan"."headrace"."customer_plan_bbcd4ea6_rows" as r
where not exists (
  select 1 from (select unhex(left(sha256('key '' salt["DOUBLE","VARCHAR"]' || concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n'))), 32)) as row_handle
  from "marts"."customers" as "model") as m where m.row_handle = r.handle
);

-- repeated
select unhex(left(sha256('key '' salt["DOUBLE","VARCHAR"]' || m.row_key), 32)), m.row_hash, cast(null as bigint), cast(null as bigint), m.f0
from (
  select
    unhex(left(sha256('raw salt["DOUBLE","VARCHAR","VARCHAR[]"]' || concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n'), coalesce(strlen(to_json("model"."tags")::varchar)::varchar || ':' || to_json("model"."tags")::varchar, 'n'))), 32)) as row_hash,
    concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n')) as row_key,
    encode(concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n'), coalesce(strlen(to_json("model"."tags")::varchar)::varchar || ':' || to_json("model"."tags")::varchar, 'n'), coalesce(strlen("model"."updated_at"::varchar)::varchar || ':' || "model"."updated_at"::varchar, 'n'))) as f0
  from "marts"."customers" as "model"
) as m
where unhex(left(sha256('key '' salt["DOUBLE","VARCHAR"]' || m.row_key), 32)) in (select k.row_handle from (select unhex(left(sha256('key '' salt["DOUBLE","VARCHAR"]' || concat(coalesce(strlen(("model"."tenant" + 0)::varchar)::varchar || ':' || ("model"."tenant" + 0)::varchar, 'n'), coalesce(strlen("model"."customer ""id"""::varchar)::varchar || ':' || "model"."customer ""id"""::varchar, 'n'))), 32)) as row_handle
  from "marts"."customers" as "model") as k group by k.row_handle having count(*) > 1 limit 5)
limit 20;
