create schema if not exists `analytics-prod`.`headrace` options (location = 'EU');
create table if not exists `analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_state` (
  `project` string not null, `mapping` string not null, `layout` int64 not null, `topic` string not null, `position` int64 not null, `entries` int64 not null, `confirmable` int64 not null, `quarantined` int64 not null, `rows` int64 not null, `stamp` string not null, `state` string not null, `files` string not null, `digest` string not null, `written_at` timestamp not null
);
create table if not exists `analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_entries` (
  slot string not null, ordinal int64 not null, state int64 not null, row_hash bytes, bytes bytes not null
)
cluster by slot
options (description = 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.');
create table if not exists `analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_rows` (
  handle string not null, ordinal int64 not null, verdict int64 not null, raw string, slot string
)
cluster by handle
options (description = 'Headrace, layout 1: a view of headrace.shop.customer-plan.snapshot. May be dropped: it is made anew from the topic.');
grant `roles/bigquery.dataEditor` on schema `analytics-prod`.`headrace` to "serviceAccount:headrace@analytics-prod.iam.gserviceaccount.com";
