select
  iff(try_to_double(to_varchar(("model"."SCORE" + 0))) <> ("model"."SCORE" + 0), to_varchar(("model"."SCORE" + 0)) || '|' || to_varchar(("model"."SCORE" + 0) - try_to_double(to_varchar(("model"."SCORE" + 0)))), to_varchar(("model"."SCORE" + 0))) as "c0",
  to_char(convert_timezone('UTC', "model"."ZONED")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as "cursor"
from "MARTS"."Customers" as "model"
where ("model"."ZONED" >= dateadd('millisecond', -900000, '2024-03-31 01:59:59.999999 +00:00'::timestamp_tz) or "model"."ZONED" is null)
