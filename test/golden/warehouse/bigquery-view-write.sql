create or replace table `analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_headrace_entries_0a1b2c` (slot string, ordinal int64, bytes bytes)
options (expiration_timestamp = timestamp_add(current_timestamp(), interval 1 day))

insert into `analytics-prod`.`headrace`.`customer_plan_bbcd4ea6_headrace_entries_0a1b2c` (slot, ordinal, bytes)
select json_value(r, '$[0]'), cast(json_value(r, '$[1]') as int64), from_hex(json_value(r, '$[2]')) from unnest(split(@piece, '\n')) as r

begin transaction;
update state set stamp = 'b' where stamp = 'a';
if exists (select 1 from state where stamp = 'b') then
merge into entries …;
update state …;
commit transaction;
select 'written' as outcome;
else
rollback transaction;
select 'taken by another' as outcome;
end if;
