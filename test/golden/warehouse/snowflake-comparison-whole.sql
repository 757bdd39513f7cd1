-- rows
select part, a, b, c, d, f0, f1, f2, f3 from (
select 'row' as part, hex_encode(to_binary(left(sha2('key ''\\salt["FLOAT","VARCHAR"]' || m.row_key, 256), 32), 'HEX')) as a, hex_encode(m.row_hash) as b, null as c, null as d, m.f0 as f0, m.f1 as f1, m.f2 as f2, m.f3 as f3, m.o0 as o0
from (
  select
    to_binary(left(sha2('raw salt["FLOAT","VARCHAR","TIMESTAMP_TZ(9)"]' || coalesce(length(iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))))::varchar || ':' || iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))), 'n') || coalesce(length("model"."customer ""id""")::varchar || ':' || "model"."customer ""id""", 'n') || coalesce(length(to_char(convert_timezone('UTC', "model"."SEEN")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9'))::varchar || ':' || to_char(convert_timezone('UTC', "model"."SEEN")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9'), 'n'), 256), 32), 'HEX') as row_hash,
    coalesce(length(iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))))::varchar || ':' || iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))), 'n') || coalesce(length("model"."customer ""id""")::varchar || ':' || "model"."customer ""id""", 'n') as row_key,
    iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))) as f0,
    "model"."customer ""id""" as f1,
    to_char(convert_timezone('UTC', "model"."SEEN")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as f2,
    to_char(convert_timezone('UTC', "model"."UPDATED_AT")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as f3,
    "model"."UPDATED_AT" as o0
  from "MARTS"."CUSTOMERS" as "model"
) as m
union all
select 'totals' as part, to_varchar(t.n) as a, t.highest as b, t.any_cursor as c, null as d, null as f0, null as f1, null as f2, null as f3, null as o0
from (select "model"."n" as n, to_char(convert_timezone('UTC', "model"."highest")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as highest, to_char(convert_timezone('UTC', "model"."any_cursor")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as any_cursor
from (
  select count(*) as "n", max(case when "model"."UPDATED_AT" >= '0001-01-01 00:00:00 +00:00'::timestamp_ltz and "model"."UPDATED_AT" <= '2026-11-25 10:00:00 +00:00'::timestamp_ltz then "model"."UPDATED_AT" end) as "highest", max("model"."UPDATED_AT") as "any_cursor"
  from "MARTS"."CUSTOMERS" as "model"
) as "model") as t
union all
select 'known' as part, to_varchar(verdict) as a, to_varchar(count(*)) as b, null as c, null as d, null as f0, null as f1, null as f2, null as f3, null as o0
from "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_ROWS"
group by verdict
union all
select 'missing' as part, hex_encode(r.handle) as a, null as b, to_varchar(r.ordinal) as c, to_varchar(r.verdict) as d, null as f0, null as f1, null as f2, null as f3, null as o0
from "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_ROWS" as r
where not exists (
  select 1 from (select to_binary(left(sha2('key ''\\salt["FLOAT","VARCHAR"]' || coalesce(length(iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))))::varchar || ':' || iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))), 'n') || coalesce(length("model"."customer ""id""")::varchar || ':' || "model"."customer ""id""", 'n'), 256), 32), 'HEX') as row_handle
  from "MARTS"."CUSTOMERS" as "model") as m where m.row_handle = r.handle
)
) as l
order by o0 asc nulls last;

-- repeated
select 'row' as part, hex_encode(to_binary(left(sha2('key ''\\salt["FLOAT","VARCHAR"]' || m.row_key, 256), 32), 'HEX')) as a, hex_encode(m.row_hash) as b, null as c, null as d, m.f0 as f0, m.f1 as f1, m.f2 as f2, m.f3 as f3
from (
  select
    to_binary(left(sha2('raw salt["FLOAT","VARCHAR","TIMESTAMP_TZ(9)"]' || coalesce(length(iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))))::varchar || ':' || iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))), 'n') || coalesce(length("model"."customer ""id""")::varchar || ':' || "model"."customer ""id""", 'n') || coalesce(length(to_char(convert_timezone('UTC', "model"."SEEN")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9'))::varchar || ':' || to_char(convert_timezone('UTC', "model"."SEEN")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9'), 'n'), 256), 32), 'HEX') as row_hash,
    coalesce(length(iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))))::varchar || ':' || iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))), 'n') || coalesce(length("model"."customer ""id""")::varchar || ':' || "model"."customer ""id""", 'n') as row_key,
    iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))) as f0,
    "model"."customer ""id""" as f1,
    to_char(convert_timezone('UTC', "model"."SEEN")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as f2,
    to_char(convert_timezone('UTC', "model"."UPDATED_AT")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as f3,
    "model"."UPDATED_AT" as o0
  from "MARTS"."CUSTOMERS" as "model"
) as m
where to_binary(left(sha2('key ''\\salt["FLOAT","VARCHAR"]' || m.row_key, 256), 32), 'HEX') in (select k.row_handle from (select to_binary(left(sha2('key ''\\salt["FLOAT","VARCHAR"]' || coalesce(length(iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))))::varchar || ':' || iff(try_to_double(to_varchar(("model"."TENANT" + 0))) <> ("model"."TENANT" + 0), to_varchar(("model"."TENANT" + 0)) || '|' || to_varchar(("model"."TENANT" + 0) - try_to_double(to_varchar(("model"."TENANT" + 0)))), to_varchar(("model"."TENANT" + 0))), 'n') || coalesce(length("model"."customer ""id""")::varchar || ':' || "model"."customer ""id""", 'n'), 256), 32), 'HEX') as row_handle
  from "MARTS"."CUSTOMERS" as "model") as k group by k.row_handle having count(*) > 1 limit 5)
limit 20;
