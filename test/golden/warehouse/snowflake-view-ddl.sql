create schema if not exists "HEADRACE";
create table if not exists "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_STATE" (
  "PROJECT" varchar not null, "MAPPING" varchar not null, "LAYOUT" number(19,0) not null, "TOPIC" varchar not null, "POSITION" number(19,0) not null, "ENTRIES" number(19,0) not null, "CONFIRMABLE" number(19,0) not null, "QUARANTINED" number(19,0) not null, "ROWS" number(19,0) not null, "STAMP" varchar not null, "STATE" varchar not null, "FILES" varchar not null, "DIGEST" varchar not null, "WRITTEN_AT" timestamp_ltz not null
);
create table if not exists "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_ENTRIES" (
  slot binary not null, ordinal number(19,0) not null, state number(5,0) not null, row_hash binary, bytes binary not null
)
comment = 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.';
create table if not exists "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_ROWS" (
  handle binary not null, ordinal number(19,0) not null, verdict number(5,0) not null, raw binary, slot binary
)
comment = 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.';
grant usage on schema "HEADRACE" to role "HEADRACE";
grant create temporary table on schema "HEADRACE" to role "HEADRACE";
grant select, insert, update, delete on table "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_STATE" to role "HEADRACE";
grant select, insert, update, delete on table "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_ENTRIES" to role "HEADRACE";
grant select, insert, update, delete on table "HEADRACE"."CUSTOMER_PLAN_BBCD4EA6_ROWS" to role "HEADRACE";
