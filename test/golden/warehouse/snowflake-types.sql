select
  to_varchar("model"."ID") as "c0",
  "model"."NAME" as "c1",
  to_varchar("model"."IS_LIVE") as "c2",
  iff(try_to_double(to_varchar("model"."SCORE")) <> "model"."SCORE", to_varchar("model"."SCORE") || '|' || to_varchar("model"."SCORE" - try_to_double(to_varchar("model"."SCORE"))), to_varchar("model"."SCORE")) as "c3",
  to_char("model"."BORN", 'YYYY-MM-DD') as "c4",
  to_char(timestamp_ntz_from_parts('1970-01-01'::date, "model"."AT"), 'HH24:MI:SS.FF9') as "c5",
  to_char("model"."LOCAL"::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as "c6",
  to_char(convert_timezone('UTC', "model"."INSTANT")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as "c7",
  to_char(convert_timezone('UTC', "model"."ZONED")::timestamp_ntz, 'YYYY-MM-DD HH24:MI:SS.FF9') as "c8",
  lower(hex_encode("model"."PHOTO")) as "c9",
  to_json("model"."EXTRA") as "c10",
  to_json("model"."TAGS") as "c11",
  to_varchar("model"."PLACE") as "c12"
from "MARTS"."CUSTOMERS" as "model"
order by "model"."BORN" asc nulls last
