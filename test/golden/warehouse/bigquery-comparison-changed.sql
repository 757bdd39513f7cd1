-- rows
select 'row' as part, coalesce(r.handle, left(to_hex(sha256('key \'\\salt["FLOAT64","STRING"]' || m.row_key)), 32)) as a, m.row_hash as b, cast(r.ordinal as string) as c, cast(r.verdict as string) as d, m.f0 as f0, m.f1 as f1, m.f2 as f2, m.f3 as f3
from (
  select
    left(to_hex(sha256('raw salt["FLOAT64","STRING","TIMESTAMP"]' || coalesce(cast(length(format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`))) as string) || ':' || format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`)), 'n') || coalesce(cast(length(`model`.`customer \`id\``) as string) || ':' || `model`.`customer \`id\``, 'n') || coalesce(cast(length(cast(unix_micros(`model`.`seen`) as string)) as string) || ':' || cast(unix_micros(`model`.`seen`) as string), 'n'))), 32) as row_hash,
    coalesce(cast(length(format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`))) as string) || ':' || format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`)), 'n') || coalesce(cast(length(`model`.`customer \`id\``) as string) || ':' || `model`.`customer \`id\``, 'n') as row_key,
    `model`.`tenant` as f0,
    `model`.`customer \`id\`` as f1,
    `model`.`seen` as f2,
    `model`.`updated_at` as f3
  from `marts`.`customers` as `model`
) as m
full join `analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_rows` as r on r.raw = m.row_hash
where m.row_hash is null or r.handle is null
union all
select 'totals' as part, cast(t.n as string) as a, t.highest as b, t.any_cursor as c, cast(null as string) as d, null as f0, null as f1, null as f2, null as f3
from (select `model`.`n` as n, cast(unix_micros(`model`.`highest`) as string) as highest, cast(unix_micros(`model`.`any_cursor`) as string) as any_cursor
from (
  select count(*) as `n`, max(case when `model`.`updated_at` >= timestamp '0001-01-01 00:00:00+00' and `model`.`updated_at` <= timestamp '2026-11-25 10:00:00+00' then `model`.`updated_at` end) as `highest`, max(`model`.`updated_at`) as `any_cursor`
  from `marts`.`customers` as `model`
) as `model`) as t
union all
select 'known' as part, cast(verdict as string) as a, cast(count(*) as string) as b, cast(null as string) as c, cast(null as string) as d, null as f0, null as f1, null as f2, null as f3
from `analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_rows`
group by verdict;

-- repeated
select 'row' as part, left(to_hex(sha256('key \'\\salt["FLOAT64","STRING"]' || m.row_key)), 32) as a, m.row_hash as b, cast(null as string) as c, cast(null as string) as d, m.f0 as f0, m.f1 as f1, m.f2 as f2, m.f3 as f3
from (
  select
    left(to_hex(sha256('raw salt["FLOAT64","STRING","TIMESTAMP"]' || coalesce(cast(length(format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`))) as string) || ':' || format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`)), 'n') || coalesce(cast(length(`model`.`customer \`id\``) as string) || ':' || `model`.`customer \`id\``, 'n') || coalesce(cast(length(cast(unix_micros(`model`.`seen`) as string)) as string) || ':' || cast(unix_micros(`model`.`seen`) as string), 'n'))), 32) as row_hash,
    coalesce(cast(length(format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`))) as string) || ':' || format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`)), 'n') || coalesce(cast(length(`model`.`customer \`id\``) as string) || ':' || `model`.`customer \`id\``, 'n') as row_key,
    `model`.`tenant` as f0,
    `model`.`customer \`id\`` as f1,
    `model`.`seen` as f2,
    `model`.`updated_at` as f3
  from `marts`.`customers` as `model`
) as m
where left(to_hex(sha256('key \'\\salt["FLOAT64","STRING"]' || m.row_key)), 32) in (select k.row_handle from (select left(to_hex(sha256('key \'\\salt["FLOAT64","STRING"]' || coalesce(cast(length(format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`))) as string) || ':' || format('%.17g', if(`model`.`tenant` = 0, 0, `model`.`tenant`)), 'n') || coalesce(cast(length(`model`.`customer \`id\``) as string) || ':' || `model`.`customer \`id\``, 'n'))), 32) as row_handle
  from `marts`.`customers` as `model`) as k group by k.row_handle having count(*) > 1 limit 5)
limit 20;
