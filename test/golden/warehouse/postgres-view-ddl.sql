create schema if not exists "headrace";
create table if not exists "headrace"."views" (
  project text not null, mapping text not null, layout integer not null, topic text not null, position bigint not null,
  entries bigint not null, confirmable bigint not null, quarantined bigint not null, rows bigint not null,
  stamp text not null, state text not null, files text not null, digest text not null, written_at timestamptz not null,
  primary key (project, mapping)
);
create table if not exists "headrace"."customer_plan_bbcd4ea6_entries" (
  slot bytea primary key, ordinal bigint not null, state smallint not null, row_hash bytea, bytes bytea not null
);
create index if not exists "customer_plan_bbcd4ea6_entries_ordinal" on "headrace"."customer_plan_bbcd4ea6_entries" (ordinal);
create table if not exists "headrace"."customer_plan_bbcd4ea6_rows" (
  handle bytea primary key, ordinal bigint not null, verdict smallint not null, raw bytea, slot bytea
) with (fillfactor = 90);
create index if not exists "customer_plan_bbcd4ea6_rows_ordinal" on "headrace"."customer_plan_bbcd4ea6_rows" (ordinal);
comment on table "headrace"."customer_plan_bbcd4ea6_entries" is 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.';
comment on table "headrace"."customer_plan_bbcd4ea6_rows" is 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.';
create table if not exists "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_entries" (
  slot bytea primary key, ordinal bigint not null, state smallint not null, row_hash bytea, bytes bytea not null
);
create index if not exists "a_long_name_of_a_mappinga_long_name_of_a_95b671c4_entries_ordinal" on "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_entries" (ordinal);
create table if not exists "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_rows" (
  handle bytea primary key, ordinal bigint not null, verdict smallint not null, raw bytea, slot bytea
) with (fillfactor = 90);
create index if not exists "a_long_name_of_a_mappinga_long_name_of_a_95b671c4_rows_ordinal" on "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_rows" (ordinal);
comment on table "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_entries" is 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.';
comment on table "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_rows" is 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.';
grant usage on schema "headrace" to "etl ""role""";
grant select, insert, update on "headrace"."views" to "etl ""role""";
grant select, insert, update, delete, truncate on "headrace"."customer_plan_bbcd4ea6_entries", "headrace"."customer_plan_bbcd4ea6_rows" to "etl ""role""";
grant select, insert, update, delete, truncate on "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_entries", "headrace"."a_long_name_of_a_mappinga_long_name_of_a_95b671c4_rows" to "etl ""role""";
