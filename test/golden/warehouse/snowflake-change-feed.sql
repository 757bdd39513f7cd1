select
  "model"."ID" as "c0",
  to_char(convert_timezone('UTC', "model"."UPDATED_AT")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as "cursor"
from (
select * from "MARTS"."CUSTOMERS"
changes(information => default) at(timestamp => '2024-03-31 01:44:59 +00:00'::timestamp_tz)
) as "model"
where "model"."METADATA$ACTION" = 'INSERT'
order by "model"."ID" asc nulls last
