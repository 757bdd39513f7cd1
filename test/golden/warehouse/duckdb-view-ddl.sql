-- DuckDB has no roles: whoever runs Headrace must be able to write in /data/marts.duckdb.headrace, where a run makes these files by itself.
attach '/data/marts.duckdb.headrace/shop.customer-plan.duckdb' as "headrace view shop.customer-plan";
create schema if not exists "headrace view shop.customer-plan"."headrace";
create table if not exists "headrace view shop.customer-plan"."headrace"."views" (
  "project" varchar not null, "mapping" varchar not null, "layout" bigint not null, "topic" varchar not null, "position" bigint not null, "entries" bigint not null, "confirmable" bigint not null, "quarantined" bigint not null, "rows" bigint not null, "stamp" varchar not null, "state" varchar not null, "files" varchar not null, "digest" varchar not null, "written_at" timestamptz not null,
  primary key (project, mapping)
);
create table if not exists "headrace view shop.customer-plan"."headrace"."customer_plan_bbcd4ea6_entries" (
  slot blob not null, ordinal bigint not null, state smallint not null, row_hash blob, bytes blob not null
);
create table if not exists "headrace view shop.customer-plan"."headrace"."customer_plan_bbcd4ea6_rows" (
  handle blob not null, ordinal bigint not null, verdict smallint not null, raw blob, slot blob
);
detach "headrace view shop.customer-plan";
